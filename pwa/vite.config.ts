import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { build, defineConfig, type Plugin } from "vite";

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
 * turn a worker into a module, which Firefox 115 cannot run.
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
      for (const name of ["sw", "desk-sw"]) {
        await buildAlone(root, out, name, {
          __SHELL__: JSON.stringify([base, ...shell.map((file) => base + file)]),
          __DEFERRED__: JSON.stringify(deferredOf(bundle, shell).map((file) => base + file)),
          __WORDS__: JSON.stringify(words.map((file) => base + file)),
          __BUILD__: JSON.stringify(build),
        });
      }
      compressAll(out);
    },
  };
}

async function buildAlone(root: string, out: string, name: string, define: Record<string, string>) {
  await build({
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
      rolldownOptions: {
        input: join(root, `src/${name}.ts`),
        output: { format: "iife", entryFileNames: `${name}.js` },
      },
    },
  });
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
  plugins: [tightWords(), workers()],
  build: {
    target,
    outDir: "dist",
    emptyOutDir: true,
    // The server looks up the desk's script, under "src/desk.ts", in .vite/manifest.json.
    manifest: true,
    // `data:` pictures are blocked by the content security policy.
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: { app: "index.html", desk: "src/desk.ts" },
      output: {
        entryFileNames: "assets/[name]-[hash].js",
        chunkFileNames: "assets/[name]-[hash].js",
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
});
