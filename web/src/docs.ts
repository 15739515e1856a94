// First of all: a token in the address is taken, and removed, as this is imported.
import "./session";
import { createApp } from "vue";
import { followSystem } from "./dark";
import Reference from "./reference/Reference.vue";
import "./docs.css";

followSystem("dark");
createApp(Reference).mount("#reference");
