/** The OpenAPI document, as far as the reference shows it. */
export interface Schema {
  $ref?: string;
  type?: string;
  format?: string;
  enum?: (string | number | null)[];
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  allOf?: Schema[];
  oneOf?: Schema[];
  anyOf?: Schema[];
  nullable?: boolean;
  deprecated?: boolean;
  description?: string;
  default?: unknown;
  example?: unknown;
  "x-comma-list"?: boolean;
}
export interface Parameter {
  $ref?: string;
  name: string;
  in: string;
  required?: boolean;
  deprecated?: boolean;
  description?: string;
  schema: Schema;
  example?: unknown;
}
interface Answer { $ref?: string; description?: string; content?: Record<string, { schema?: Schema }> }
interface Method {
  operationId: string;
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: unknown;
  responses: Record<string, Answer>;
}
interface Source {
  info: { title: string; version: string; description?: string };
  paths: Record<string, { parameters?: Parameter[]; get?: Method; post?: Method }>;
  components: { schemas: Record<string, Schema> } & Record<string, Record<string, unknown>>;
}

/** One method of one path. */
export interface Operation {
  id: string;
  method: "GET" | "POST";
  path: string;
  summary: string;
  description: string;
  parameters: Parameter[];
  responses: { status: string; description: string; schema: Schema | undefined }[];
}

export interface Reference {
  info: Source["info"];
  operations: Operation[];
  /** The codes of errors, with the statuses that the document gives them. */
  codes: string[];
  /** A schema with what it refers to and is made of put together, one level deep. */
  open(schema: Schema): Schema;
}

export async function load(): Promise<Reference> {
  const answer = await fetch(new URL("openapi.json", location.href));
  if (!answer.ok) throw new Error(`openapi.json: ${answer.status}`);
  return read(await answer.json() as Source);
}

export function read(source: Source): Reference {
  function target<T extends { $ref?: string }>(from: T): T {
    if (!from.$ref) return from;
    let found: unknown = source;
    for (const step of from.$ref.slice(2).split("/")) found = (found as Record<string, unknown>)[step.replaceAll("~1", "/")];
    return target(found as T);
  }
  function open(schema: Schema): Schema {
    const { $ref, allOf, ...own } = schema;
    const parts = [...($ref ? [target(schema)] : []), ...(allOf ?? [])].map(open);
    const properties = Object.assign({}, ...parts.map((part) => part.properties), own.properties) as Record<string, Schema>;
    const whole: Schema = Object.assign({}, ...parts, own);
    if (Object.keys(properties).length) whole.properties = properties;
    return whole;
  }
  const operations: Operation[] = [];
  for (const [path, item] of Object.entries(source.paths)) {
    for (const method of ["get", "post"] as const) {
      const operation = item[method];
      if (!operation) continue;
      const all = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(target);
      operations.push({
        id: operation.operationId,
        method: method === "get" ? "GET" : "POST",
        path,
        summary: operation.summary ?? operation.operationId,
        description: operation.description ?? "",
        parameters: all.filter((p, i) => !all.slice(i + 1).some((later) => later.name === p.name && later.in === p.in)),
        responses: Object.entries(operation.responses).map(([status, given]) => {
          const { description, content } = target(given);
          return { status, description: description ?? "", schema: content?.["application/json"]?.schema };
        }),
      });
    }
  }
  // What has the most to fill in is what people come for.
  operations.sort((a, b) => b.parameters.length - a.parameters.length);
  return { info: source.info, operations, codes: codes(source.components.schemas.ErrorCode ?? {}), open };
}

/** A code's statuses follow it in the description: `forbidden` 403; `too_large` 413, 414. */
function codes({ enum: list = [], description = "" }: Schema): string[] {
  return list.map((code) => {
    const statuses = new RegExp("`" + String(code) + "` (\\d{3}(?:, \\d{3})*)").exec(description)?.[1];
    return statuses ? `${String(code)} ${statuses}` : String(code);
  });
}

/** The values that a parameter may have where they are few; none where any may be sent. */
export function choices(schema: Schema, open: Reference["open"]): string[] {
  const whole = open(schema);
  const own = whole.enum ?? [...(whole.oneOf ?? []), ...(whole.anyOf ?? [])].flatMap((part) => choices(part, open));
  return [...new Set(own.filter((value) => value !== "" && value !== null).map(String))];
}

/** What a value is, in a few signs: integer 1…100, string ≤ 200. */
export function kind(schema: Schema, open: Reference["open"]): string {
  const whole = open(schema);
  const parts = whole.oneOf ?? whole.anyOf;
  if (!whole.type && parts) return parts.map((part) => kind(part, open)).join(" | ");
  let text = whole.type ?? "object";
  if (text === "array") {
    const item = whole.items ? kind(whole.items, open) : "any";
    text = item.includes(" ") ? `(${item})[]` : `${item}[]`;
  }
  if (whole.enum) text = whole.enum.join(" | ");
  if (whole.minimum !== undefined && whole.maximum !== undefined) text += ` ${whole.minimum}…${whole.maximum}`;
  else if (whole.minimum !== undefined) text += ` ≥ ${whole.minimum}`;
  if (whole.maxLength !== undefined) text += ` ≤ ${whole.maxLength}`;
  return whole.nullable ? `${text} | null` : text;
}

/** A text without its `code`: names of the wire are Chinese in English too. */
const prose = (text: string) => text.replace(/`[^`]*`/g, "");
const han = (text: string) => /\p{Script=Han}/u.test(prose(text));

/**
 * The part of a text of the document that is in this language: its texts have both, on lines of
 * their own, or in one line with " · " or the full stop of the first between them.
 */
export function inLanguage(text: string, language: "zh" | "en"): string {
  if (!han(text)) return text.trim(); // it has one language alone
  const lines: string[] = [];
  let chinese = true;
  for (const line of text.trim().split("\n")) {
    for (const part of parted(line.trimEnd())) {
      // A line of names alone goes on with what stands before it.
      if (han(part)) chinese = true;
      else if (/[a-z]/i.test(prose(part))) chinese = false;
      if (part === "" || chinese === (language === "zh")) lines.push(part);
    }
  }
  const joined = lines.join("\n").replace(/\n{3,}/g, "\n\n").trim();
  return language === "zh" ? wide(joined) : joined;
}

function parted(line: string): string[] {
  const [left, right] = [line.split(" · ")[0]!, line.split(" · ").slice(1).join(" · ")];
  if (right && han(left) && !han(right)) return [left, right];
  const cut = /^(.*\p{Script=Han}.*?[。」]) ((?:「Addition」)?(?:[^\p{Script=Han}`]|`[^`]*`)+)$/u.exec(line);
  return cut ? [cut[1]!, cut[2]!] : [line];
}

const signs: Record<string, string> = { ",": "\uff0c", ";": "\uff1b", ":": "\uff1a", "?": "\uff1f", "!": "\uff01", "(": "\uff08", ")": "\uff09" };

/** Chinese text with Chinese punctuation, outside of `code`. */
export function wide(text: string): string {
  return text.split(/(`[^`]*`)/).map((part) => (part.startsWith("`") ? part : part
    .replace(/(?<!\d)[,:](?! ?\/\/)|[,:](?!\d|\/\/)|[;?!()]/g, (sign) => signs[sign]!)
    .replace(/([\uff0c\uff1b\uff1a\uff1f\uff01\uff08\uff09]) +/g, "$1")
    .replace(/ +([\uff0c\uff1b\uff1a\uff1f\uff01\uff08\uff09])/g, "$1"))).join("");
}
