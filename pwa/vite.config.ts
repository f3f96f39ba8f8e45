import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { type BuildEnvironmentOptions, build, defineConfig, type Plugin } from "vite";

// What the child's phones and the desk's machines must at least be able to read.
const target = ["safari15.4", "chrome90", "firefox115"];
const base = "/app/";

type Bundle = Parameters<Extract<Plugin["writeBundle"], (...given: never[]) => unknown>>[1];

type Chunk = Extract<Bundle[string], { type: "chunk" }>;

const stylesOf = (chunks: Chunk[], names: string[]) =>
  chunks
    .filter(({ fileName }) => names.includes(fileName))
    .flatMap((chunk) => [...(chunk.viteMetadata?.importedCss ?? [])]);

/** The app's script, what it imports, and its styles: what it takes to open without a network. */
function shellOf(bundle: Bundle): string[] {
  const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
  const wanted = chunks.filter((chunk) => chunk.name === "app").map((chunk) => chunk.fileName);
  for (const name of wanted) {
    const chunk = chunks.find((one) => one.fileName === name);
    wanted.push(...(chunk?.imports ?? []).filter((other) => !wanted.includes(other)));
  }
  return [...wanted, ...stylesOf(chunks, wanted)];
}

/** The screens that come when they are opened, with their styles. */
function deferredOf(bundle: Bundle, shell: string[]): string[] {
  const files = Object.values(bundle).filter((file) => file.type === "chunk");
  const wanted = [...shell];
  for (const name of wanted) {
    const chunk = files.find((one) => one.fileName === name);
    const next = [...(chunk?.imports ?? []), ...(chunk?.dynamicImports ?? [])];
    // What the desk alone shows, no phone keeps.
    wanted.push(...next.filter((other) => !wanted.includes(other) && !other.includes("desk-project")));
  }
  return [...wanted, ...stylesOf(files, wanted)].filter((name) => !shell.includes(name));
}

/** Changes when anything changes that a phone keeps: the worker's file changes with it. */
function digestOf(root: string, page: string, words: string[]): string {
  const digest = createHash("sha256").update(readFileSync(page)).update(words.join());
  for (const icon of readdirSync(join(root, "public/icons")).sort()) {
    digest.update(readFileSync(join(root, "public/icons", icon)));
  }
  return digest.digest("hex").slice(0, 12);
}

/** A brotli variant beside each file that gains by it; the server hands it out where it is understood. */
function compressAll(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!/\.(js|css|html|json|svg)$/.test(name) || name.startsWith(".")) continue;
    const file = join(folder, name);
    const tight = brotliCompressSync(readFileSync(file));
    if (tight.length < statSync(file).size) writeFileSync(`${file}.br`, tight);
  }
}

/**
 * Builds the workers after everything else, each as one classic script without a hash in its name, and
 * hands them the list of the files to keep. A build of their own is needed because a shared chunk would
 * turn a worker into a module, which Firefox 115 cannot run. The desk's script has one too: with a shared
 * chunk, a phone would ask for one more file before it opens.
 */
function workers(): Plugin {
  let root = "";
  let out = "";
  return {
    name: "planner-workers",
    apply: "build",
    configResolved(config) {
      root = config.root;
      out = join(config.root, config.build.outDir);
    },
    async writeBundle(_options, bundle) {
      const words = Object.keys(bundle).filter((name) => /assets\/[a-z]{2,3}-[\w-]+\.json$/.test(name));
      const shell = shellOf(bundle);
      const build = digestOf(root, join(out, "index.html"), words);
      const define = {
        __SHELL__: JSON.stringify([base, ...shell.map((file) => base + file)]),
        __DEFERRED__: JSON.stringify(deferredOf(bundle, shell).map((file) => base + file)),
        __WORDS__: JSON.stringify(words.map((file) => base + file)),
        __BUILD__: JSON.stringify(build),
      };
      for (const name of ["sw", "desk-sw"]) {
        await buildAlone(root, out, name, { format: "iife", entryFileNames: `${name}.js` }, define);
      }
      const desk = await buildAlone(root, out, "desk", { entryFileNames: "assets/[name]-[hash].js" });
      note(join(out, ".vite/manifest.json"), "src/desk.ts", desk);
      compressAll(out);
    },
  };
}

type Output = NonNullable<BuildEnvironmentOptions["rolldownOptions"]>["output"];

/** Builds one entry with everything that it needs in it, and returns the name of its file. */
async function buildAlone(
  root: string,
  out: string,
  name: string,
  output: Output,
  define: Record<string, string> = {},
): Promise<string> {
  const built = await build({
    configFile: false,
    root,
    base,
    logLevel: "warn",
    publicDir: false,
    define,
    build: {
      target,
      outDir: out,
      emptyOutDir: false,
      modulePreload: false,
      rolldownOptions: { input: join(root, `src/${name}.ts`), output },
    },
  });
  const [first] = [built].flat().flatMap((each) => ("output" in each ? each.output : []));
  if (!first) throw new Error(`Nothing was built of ${name}.`);
  return first.fileName;
}

/** Says in the manifest which file an entry has become. */
function note(manifest: string, src: string, file: string): void {
  const entries = JSON.parse(readFileSync(manifest, "utf8"));
  writeFileSync(manifest, JSON.stringify({ ...entries, [src]: { file, src, isEntry: true } }, null, 2));
}

/** Our own way to fetch screens with their styles, in the place of Vite's. */
function stylesAlong(): Plugin {
  return {
    name: "planner-styles",
    apply: "build",
    enforce: "pre",
    load: {
      filter: { id: /^\0vite\/preload-helper\.js$/ },
      handler: () => 'export { withStyles as __vitePreload } from "/src/withStyles.ts";',
    },
  };
}

/** Catalogs go on the wire without the spaces that make them readable in the repository. */
function tightWords(): Plugin {
  return {
    name: "planner-words",
    apply: "build",
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type === "asset" && file.fileName.endsWith(".json")) {
          const text = typeof file.source === "string" ? file.source : Buffer.from(file.source).toString();
          if (basename(file.fileName) !== "manifest.json") file.source = JSON.stringify(JSON.parse(text));
        }
      }
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  base,
  plugins: [stylesAlong(), tightWords(), workers()],
  build: {
    target,
    outDir: "dist",
    emptyOutDir: true,
    // The server looks up the desk's script, under "src/desk.ts", in .vite/manifest.json (`note`).
    manifest: true,
    // `data:` pictures are blocked by the content security policy.
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: { app: "index.html" },
      output: {
        entryFileNames: "assets/[name]-[hash].js",
        chunkFileNames: "assets/[name]-[hash].js",
        // All that the app begins with in one file, whatever else needs parts of it: each file more is a request more.
        codeSplitting: { groups: [{ name: "app", tags: ["$initial"] }] },
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
});
