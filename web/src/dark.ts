/** Keeps a class on the document while the system is dark. */
export function followSystem(className: string): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle(className, dark.matches);
  dark.addEventListener("change", follow);
  follow();
}
