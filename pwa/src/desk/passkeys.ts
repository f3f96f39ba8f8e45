/**
 * Passkeys: a form that the browser's authenticator fills in. The page says everything itself:
 *
 *   <form data-passkey="get" data-options="where to ask what is to be signed" hidden>
 *     <input type="hidden" name="credential">
 *     <button type="submit">…</button>
 *     <p data-when="failed" hidden>…</p>
 *   </form>
 *
 * "create" makes a new key instead. Without this script, or where the browser knows no passkeys, the form
 * stays hidden and the other ways of the page remain.
 */
import { base64url, bytes } from "../bytes";

/** What the server sends: the browser's options, with their bytes as base64url. */
interface Described {
  id: string;
  type: "public-key";
  transports?: AuthenticatorTransport[];
}
interface Asked {
  challenge: string;
  allowCredentials?: Described[];
  excludeCredentials?: Described[];
  user?: { id: string; name: string; displayName: string };
}

const described = (list: Described[] = []) => list.map((key) => ({ ...key, id: bytes(key.id) }));

async function options(form: HTMLFormElement): Promise<Asked | null> {
  const next = form.querySelector<HTMLInputElement>("[name=next]")?.value ?? "";
  const answer = await fetch(form.dataset["options"] ?? "", {
    method: "POST",
    body: new URLSearchParams({ next }),
    headers: { accept: "application/json" },
  });
  const reply = (await answer.json()) as Asked & { to?: string };
  if (answer.ok) return reply;
  if (reply.to) location.assign(reply.to);
  else if (answer.status === 401) location.assign("/");
  else throw new Error("refused");
  return null;
}

async function made(asked: Asked): Promise<object> {
  const publicKey = {
    ...(asked as unknown as PublicKeyCredentialCreationOptions),
    challenge: bytes(asked.challenge),
    user: { ...asked.user!, id: bytes(asked.user!.id) },
    excludeCredentials: described(asked.excludeCredentials),
  };
  const key = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
  const response = key.response as AuthenticatorAttestationResponse;
  return whole(key, {
    attestationObject: base64url(response.attestationObject),
    transports: response.getTransports?.() ?? [],
  });
}

async function signed(asked: Asked): Promise<object> {
  const publicKey = {
    ...(asked as unknown as PublicKeyCredentialRequestOptions),
    challenge: bytes(asked.challenge),
    allowCredentials: described(asked.allowCredentials),
  };
  const key = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
  const response = key.response as AuthenticatorAssertionResponse;
  return whole(key, {
    authenticatorData: base64url(response.authenticatorData),
    signature: base64url(response.signature),
    userHandle: response.userHandle ? base64url(response.userHandle) : null,
  });
}

function whole(key: PublicKeyCredential, response: object): object {
  const clientDataJSON = base64url(key.response.clientDataJSON);
  return {
    id: key.id,
    rawId: base64url(key.rawId),
    type: key.type,
    response: { clientDataJSON, ...response },
    clientExtensionResults: key.getClientExtensionResults(),
  };
}

async function fill(form: HTMLFormElement): Promise<void> {
  const failed = form.querySelector<HTMLElement>("[data-when=failed]");
  if (failed) failed.hidden = true;
  try {
    const asked = await options(form);
    if (!asked) return;
    const credential = form.dataset["passkey"] === "create" ? await made(asked) : await signed(asked);
    form.querySelector<HTMLInputElement>("[name=credential]")!.value = JSON.stringify(credential);
    // Not `requestSubmit`, which would come back here.
    form.submit();
  } catch {
    // Taken back by its person, or too late: browsers do not tell which.
    if (failed) failed.hidden = false;
  }
}

export function begin(): void {
  if (!("PublicKeyCredential" in window) || !window.isSecureContext) return;
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void fill(form);
    });
  }
  for (const element of document.querySelectorAll<HTMLElement>("[data-without-passkeys]")) element.hidden = true;
}
