import { createApp } from "vue";
import App from "./App.vue";
import { followSystem } from "./dark";
import { takeTokenFromAddress } from "./session";
import "./elements.css";
import "./style.css";

// Before anything else can read the address or send it somewhere; and where a link opens in a tab that shows the page already.
takeTokenFromAddress();
addEventListener("hashchange", takeTokenFromAddress);
followSystem("dark");
createApp(App).mount("#app");
