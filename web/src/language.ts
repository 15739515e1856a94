import { ref, watchEffect } from "vue";
import { keep, kept } from "./storage";

const KEY = "wechat-customers-language";

/** The language of the pages; it outlives the tab. */
export const language = ref<"zh" | "en">(kept("localStorage", KEY) === "en" ? "en" : "zh");
watchEffect(() => {
  keep("localStorage", KEY, language.value);
  document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
});
