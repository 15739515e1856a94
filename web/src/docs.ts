// First of all: a token in the address is taken, and removed, as this is imported.
import { token } from "./session";
import SwaggerUI from "swagger-ui-dist/swagger-ui-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "./docs.css";
import { watch } from "vue";
import { followSystem } from "./dark";

interface Parameter { required?: boolean; description?: string; schema?: { $ref?: string } }
interface Part { parameters?: Parameter[] }
interface Document {
  servers: { url: string }[];
  paths: Record<string, Part & Record<string, Part>>;
  components: { schemas: Record<string, { example?: unknown }> };
}

// "Try it out" fills in every example, and no row meets all of them at once: those of optional
// parameters become part of the text. They stand in the schemas, which forms have as well.
function examplesToText(document: Document): Document {
  // Without what the document says to generators alone.
  const copy = JSON.parse(JSON.stringify(document), (key, value) => (
    key.startsWith("x-") ? undefined : value)) as Document;
  const parts = Object.values(copy.paths).flatMap((path) => [path, ...Object.values(path)]);
  for (const parameter of parts.flatMap(({ parameters }) => parameters ?? [])) {
    const schema = parameter.schema?.$ref?.split("/").at(-1) ?? "";
    const example = document.components.schemas[schema]?.example;
    if (parameter.required || example === undefined) continue;
    const text = `例 · Example: \`${JSON.stringify(example)}\``;
    parameter.description = `${(parameter.description ?? "").trimEnd()}\n\n${text}`;
    delete copy.components.schemas[schema]!.example;
  }
  // The page calls the server that it came from; the document's first is a variable, for other tools.
  copy.servers = [{ url: "/" }];
  return copy;
}
const examplesAsText = () => ({
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (update: (document: Document) => unknown) => (document: Document) => (
          update(examplesToText(document))
        ),
      },
    },
  },
});

followSystem("dark-mode");

// For those who hear the page or have no mouse: what Swagger UI leaves without a name, links that are within buttons, and what scrolls.
function mend(): void {
  for (const select of document.querySelectorAll("select:not([aria-label])")) {
    select.setAttribute("aria-label", select.closest("[data-param-name]")?.getAttribute("data-param-name") ?? (select.id === "servers" ? "服务器 · Server" : "示例 · Example"));
  }
  for (const toggle of document.querySelectorAll(".model-box-control:not([aria-label])")) {
    if (!toggle.textContent?.trim()) toggle.setAttribute("aria-label", toggle.closest("tr")?.firstElementChild?.textContent || "结构 · Schema");
  }
  for (const link of document.querySelectorAll(".opblock-summary-control a[href]")) link.removeAttribute("href");
  for (const text of document.querySelectorAll<HTMLElement>(".microlight:not([tabindex])")) text.tabIndex = 0;
}
new MutationObserver(mend).observe(document.getElementById("reference")!, { childList: true, subtree: true });

const ui = SwaggerUI({
  url: new URL("openapi.yaml", location.href).href,
  dom_id: "#reference",
  deepLinking: true,
  displayRequestDuration: true,
  // Nothing leaves for a validator elsewhere, and no token is kept on disk.
  validatorUrl: null,
  persistAuthorization: false,
  defaultModelExpandDepth: 5,
  defaultModelsExpandDepth: 0,
  defaultModelRendering: "model",
  plugins: [examplesAsText],
  onComplete: () => {
    watch(token, (text) => {
      if (text) ui.preauthorizeApiKey("bearerAuth", text);
      else ui.authActions.logout(["bearerAuth"]);
    }, { immediate: true });
  },
});
