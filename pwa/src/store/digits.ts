/** Four digits that open something on this phone: kept as a salted hash, which is slow to try. */

export interface Digits {
  salt: string;
  hash: string;
}

const hex = (bytes: ArrayBuffer | Uint8Array) =>
  [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

async function stretched(typed: string, salt: string): Promise<string> {
  const text = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", text.encode(typed), "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: text.encode(salt), iterations: 100_000 };
  return hex(await crypto.subtle.deriveBits(how, key, 256));
}

export async function digitsOf(typed: string): Promise<Digits> {
  const salt = hex(crypto.getRandomValues(new Uint8Array(16)));
  return { salt, hash: await stretched(typed, salt) };
}

export const fits = async (typed: string, kept: Digits) => (await stretched(typed, kept.salt)) === kept.hash;

/** What was typed, with the digits that it means: Arabic and Persian keyboards have digits of their own. */
export const withDigits = (typed: string) =>
  typed.replace(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => String(digit.charCodeAt(0) & 15));

export const plainDigits = (typed: string) => withDigits(typed).replace(/\D/g, "");
