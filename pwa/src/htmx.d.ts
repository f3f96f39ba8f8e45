declare module "htmx.org/dist/htmx.esm.js" {
  interface Request {
    source: Element;
    target: string;
    select: string;
    swap: string;
    values?: Record<string, string>;
  }
  interface Swap {
    sourceElement: Element;
    target: string;
    select: string;
    swap: string;
    text: string;
  }
  const htmx: {
    ajax(verb: string, path: string, how: Request): Promise<void>;
    swap(swap: Swap): Promise<void>;
  };
  export default htmx;
}
declare module "htmx.org/dist/ext/hx-sse.js";
