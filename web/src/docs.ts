// First of all: a token in the address is taken, and removed, as this is imported.
import { token } from "./session";
import SwaggerUI from "swagger-ui-dist/swagger-ui-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "./docs.css";
import { watch } from "vue";
import { followSystem } from "./dark";

interface Example { example?: unknown }
interface Parameter extends Example { required?: boolean; description?: string; schema?: { $ref?: string } }
interface Document { components: { parameters: Record<string, Parameter>; schemas: Record<string, Example> } }

// "Try it out" fills in every example, and no row meets all of them at once: those of optional parameters become part of the text.
const examplesAsText = () => ({
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (update: (document: Document) => unknown) => (document: Document) => {
          const copy = structuredClone(document);
          for (const parameter of Object.values(copy.components.parameters)) {
            if (parameter.required || parameter.example === undefined) continue;
            parameter.description = `${(parameter.description ?? "").trimEnd()}\n\n例 · Example: \`${JSON.stringify(parameter.example)}\``;
            delete parameter.example;
            delete copy.components.schemas[parameter.schema?.$ref?.split("/").at(-1) ?? ""]?.example;
          }
          return update(copy);
        },
      },
    },
  },
});

followSystem("dark-mode");

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
