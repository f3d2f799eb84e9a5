/** Asks the daemon of a data folder what `mesh doctor` wants to know of it, within a time. */

import type { ScrubJson, StatusJson } from '../../api/client/index.ts';
import { connectDaemon, MeshError } from '../../api/client/index.ts';

/** The addresses of `GET /v1/peers`. */
type Addresses = Awaited<ReturnType<Awaited<ReturnType<typeof connectDaemon>>['peers']>>['addresses'];

export type Answer =
  | { readonly ok: true; readonly status: StatusJson; readonly addresses: Addresses }
  /** a sentence */
  | { readonly ok: false; readonly detail: string };

function reason(error: unknown): string {
  const text = error instanceof MeshError ? error.detail || error.message : String(error);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** Between two looks at how far the daemon is (guess: a person sees it move). */
const SCRUB_LOOK_MS = 250;

/** Has the daemon check all its messages, and waits for the end of it. Rejects with what stopped that. */
export async function scrubByDaemon(
  dataFolder: string,
  onProgress: (checked: number, messages: number) => void,
): Promise<ScrubJson> {
  const client = await connectDaemon(dataFolder);
  try {
    let state = await client.scrub();
    while (state.state === 'running') {
      onProgress(state.checked, state.messages);
      await new Promise((resolve) => setTimeout(resolve, SCRUB_LOOK_MS));
      state = (await client.status()).scrub;
    }
    return state;
  } finally {
    client.close();
  }
}

/** @param timeoutMs for the whole of it. Never rejects */
export async function askDaemon(dataFolder: string, timeoutMs: number): Promise<Answer> {
  let isLate = false;
  let timer: NodeJS.Timeout | undefined;
  try {
    const client = await connectDaemon(dataFolder);
    timer = setTimeout(() => {
      isLate = true;
      client.close(); // ends what is under way
    }, timeoutMs);
    try {
      const [status, { addresses }] = await Promise.all([client.status(), client.peers()]);
      return { ok: true, status, addresses };
    } finally {
      client.close();
    }
  } catch (error) {
    return { ok: false, detail: isLate ? `Nothing came within ${timeoutMs / 1000} s.` : reason(error) };
  } finally {
    clearTimeout(timer);
  }
}
