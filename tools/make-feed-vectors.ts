/**
 * Makes docs/protocol/vectors/feed.json: records of one kind in one feed, and which of them survive.
 *
 * Nothing of src is used: the bytes come from cborg and node:crypto, as those of the messages.
 * Run: node tools/make-feed-vectors.ts
 */
import { type Fields, makeMessage } from './make-message-vectors.ts';
import { fromHex, vectorText, writeFiles } from './vectors.ts';

export interface FeedVector {
  readonly name: string;
  readonly kind: number;
  /** signed bytes, hexadecimal */
  readonly records: readonly { readonly bytes: string; readonly survives: boolean }[];
}

const TIME = 1_780_000_000_000;
const FEED = `@${Buffer.from(fromHex(makeMessage('', {}).author)).toString('base64url')}`;
const CERTIFICATE = 16;

function feed(
  name: string,
  kind: number,
  kept: readonly number[],
  ...all: readonly Partial<Fields>[]
): FeedVector {
  const made = all.map((fields) => makeMessage(name, { channel: FEED, kind, ...fields }));
  return {
    name,
    kind,
    records: made.map(({ bytes }, i) => ({ bytes, survives: kept.includes(i) })),
  };
}

/** Two records of one time: index of the one with the lower id, and of the other one. */
function twins(name: string, kind: number, a: Partial<Fields>, b: Partial<Fields>): [number, number] {
  const [first = '', second = ''] = [a, b].map(
    (fields) => makeMessage(name, { channel: FEED, kind, ...fields }).id,
  );
  return first < second ? [0, 1] : [1, 0];
}

export function makeFeedVectors(): FeedVector[] {
  const at = (ms: number, more: Partial<Fields> = {}): Partial<Fields> => ({ timeMs: TIME + ms, ...more });
  const [one, other] = [at(0), at(0, { body: 'other' })];
  const [, later] = twins('one time', 20, one, other);
  return [
    feed('one record', 20, [0], at(0)),
    feed('the latest of three', 20, [1], at(1), at(2), at(0)),
    feed('the higher counter', 20, [0], at(0, { counter: 1 }), at(0)),
    feed('one time, the higher id', 20, [later], one, other),
    feed('a post', 1, [0], at(1), at(0)),
    feed('what would be a delete elsewhere', 2, [1], at(0, { body: '' }), {
      ...at(1, { body: '' }),
      refs: [{ relation: 4, id: makeMessage('', { channel: FEED, kind: 2, ...at(0, { body: '' }) }).id }],
    }),
    feed('the highest expires', 20, [0], at(0), at(1, { expiresMs: TIME + 60_000 })),
    feed('the only one expires', 20, [], at(0, { expiresMs: TIME + 60_000 })),
    feed('the first two certificates', CERTIFICATE, [2, 0], at(1), at(2), at(0), at(3)),
    feed('one certificate', CERTIFICATE, [0], at(0)),
    feed(
      'a certificate that expires',
      CERTIFICATE,
      [1, 2],
      at(0, { expiresMs: TIME + 60_000 }),
      at(1),
      at(2),
    ),
  ];
}

/** The file that this tool makes: name from the repository's root, and text. */
export function makeFeedFiles(): Record<string, string> {
  const about =
    'Records of one kind in one feed, as signed bytes in hexadecimal, and which of them survive. ' +
    'Made by tools/make-feed-vectors.ts.';
  return { 'docs/protocol/vectors/feed.json': vectorText({ about, vectors: makeFeedVectors() }) };
}

if (process.argv[1] === import.meta.filename) writeFiles(makeFeedFiles());
