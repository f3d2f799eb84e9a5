/** Names of frames by their number on the wire, for reports: a look at the second byte saves decoding them all. */
import type { Frame } from '../core/wire/frames.ts';

const NUMBERS: Readonly<Record<Frame['type'], number>> = {
  auth: 1,
  ping: 2,
  pong: 3,
  role: 4,
  error: 5,
  holds: 6,
  push: 7,
  announce: 8,
  fetch: 9,
  fetched: 10,
  stored: 11,
  have: 12,
  want: 13,
  records: 14,
  addresses: 15,
  mailbox: 16,
  'mailbox-kept': 17,
  heartbeat: 18,
  sums: 19,
  buckets: 20,
  list: 21,
  listed: 22,
};

export const FRAME_NAMES: readonly (string | undefined)[] = Object.entries(NUMBERS).reduce(
  (names: string[], [name, number]) => {
    names[number] = name;
    return names;
  },
  [],
);
