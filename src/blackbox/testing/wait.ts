/** Waiting for what must come, with a deadline far beyond what a slow machine needs. Nothing here sleeps and hopes. */

/** How long anything may take before it counts as never: machines under load are slow, not broken. */
export const PATIENCE_MS = 45_000;
const LOOK_MS = 20;

const alarms: string[] = [];

/** Something has happened that no test here wants, such as the death of a daemon: the next wait ends with this text. */
export function alarm(text: string): void {
  alarms.push(text);
}

/** Resolves with the first value of `look` that is neither undefined nor false; exceptions of `look` end it. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    const text = alarms.shift();
    if (text !== undefined) throw new Error(`while waiting for "${what}": ${text}`);
    if (performance.now() > deadline) throw new Error(`waited ${patienceMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** `promise`, or an error that says what did not happen. */
export async function within<T>(what: string, promise: Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${patienceMs} ms in vain: ${what}`)), patienceMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
