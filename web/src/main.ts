// First of all: a token in the address is taken, and removed, as this is imported.
import "./session";
import { createApp } from "vue";
import App from "./App.vue";
import { followSystem } from "./dark";
import "./elements.css";
import "./style.css";

followSystem("dark");
createApp(App).mount("#app");
