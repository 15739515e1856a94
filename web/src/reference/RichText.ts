import { h, type FunctionalComponent, type VNodeChild } from "vue";

/** A text of paragraphs, lists ("- …") and `code`. */
const RichText: FunctionalComponent<{ text: string }> = ({ text }) => h("div", { class: "rich" }, text.split(/\n\n+/).filter(Boolean).map((block) => {
  const lines = block.split("\n");
  if (!lines[0]!.startsWith("- ")) return h("p", code(joined(lines)));
  const items: string[][] = [];
  for (const line of lines) {
    if (line.startsWith("- ")) items.push([line.slice(2)]);
    else items.at(-1)!.push(line.trim());
  }
  return h("ul", items.map((item) => h("li", code(joined(item)))));
}));
RichText.props = ["text"];
export default RichText;

/** Lines as one: with a space between words, without one between characters. */
function joined(lines: string[]): string {
  return lines.reduce((text, line) => text + (/[\w.,;:)`]$/.test(text) && /^[\w(`「]/.test(line) ? " " : "") + line);
}

function code(text: string): VNodeChild[] {
  return text.split(/(`[^`]*`)/).map((part) => (/^`.+`$/.test(part) ? h("code", part.slice(1, -1)) : part));
}
