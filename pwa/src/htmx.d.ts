declare module "htmx.org/dist/htmx.esm.js" {
  interface Swap {
    sourceElement: Element;
    target: string;
    select: string;
    swap: string;
    values?: Record<string, string>;
    text: string;
  }
  const htmx: { swap(swap: Swap): Promise<void> };
  export default htmx;
}
declare module "htmx.org/dist/ext/hx-sse.js";
