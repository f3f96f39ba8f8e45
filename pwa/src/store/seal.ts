/**
 * Sealing: everything that the phone keeps is encrypted with a key that no script can read out.
 *
 * The key lies beside the data, in the same browser. It protects a copied disk or backup, and against
 * a person who looks into the browser's storage; it stops nobody who holds the unlocked phone.
 */

export interface Sealed {
  iv: Uint8Array<ArrayBuffer>;
  data: ArrayBuffer;
}

/** Sealed texts grow in steps of this many bytes, so that their length tells next to nothing. */
const STEP = 512;

export function newKey(): Promise<CryptoKey> {
  return crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** JSON may end in spaces: they pad the text to a whole number of steps. */
function padded(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(text);
  const whole = new Uint8Array(Math.ceil(bytes.length / STEP) * STEP).fill(0x20);
  whole.set(bytes);
  return whole;
}

export async function seal(key: CryptoKey, value: unknown): Promise<Sealed> {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, padded(JSON.stringify(value)));
  return { iv, data };
}

export async function unseal(key: CryptoKey, sealed: Sealed): Promise<unknown> {
  const bytes = await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.iv }, key, sealed.data);
  return JSON.parse(new TextDecoder().decode(bytes));
}
