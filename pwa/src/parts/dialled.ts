/** What a telephone dials. "(0)" is only for calls inside the country. */
export const dialled = (phone: string) => phone.replace(/^((?:\+|00).*)\(0\)/, "$1").replace(/[^+0-9]/g, "");
