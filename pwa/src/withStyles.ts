/**
 * Fetches the file of some screens together with their styles. The build puts this in the place of Vite's own
 * (`__vitePreload`), which is a kilobyte of the first load and tries no style sheet a second time.
 */
const coming = new Map<string, Promise<unknown>>();

function fetchStyles(file: string): Promise<unknown> {
  return new Promise((done, failed) => {
    const link = Object.assign(document.createElement("link"), {
      rel: "stylesheet",
      href: import.meta.env.BASE_URL + file,
      onload: done,
      onerror: () => {
        link.remove();
        coming.delete(file);
        failed(new Error(file));
      },
    });
    document.head.append(link);
  });
}

function once(file: string): Promise<unknown> {
  const known = coming.get(file) ?? fetchStyles(file);
  coming.set(file, known);
  return known;
}

export async function withStyles<T>(fetchScreens: () => Promise<T>, styles: string[] = []): Promise<T> {
  const [screens] = await Promise.all([fetchScreens(), ...styles.map(once)]);
  return screens;
}
