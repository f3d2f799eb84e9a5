/**
 * Makes docs/protocol/vectors/frames.json: one example of each binary frame, as named fields and as bytes.
 *
 * Nothing of src is used: numbers, order of fields and encoding are written down here once more, and the bytes come
 * from cborg, an encoder that knows nothing of ours (its integers and lengths are in their shortest form, and a frame
 * has no maps, so what it writes is deterministic).
 * Run: node tools/make-frame-vectors.ts
 */
import { decode, encode } from 'cborg';
import { makeEphemeralVectors } from './make-ephemeral-vectors.ts';
import { makeMessageVectors } from './make-message-vectors.ts';
import { makeTombstoneVectors } from './make-tombstone-vectors.ts';
import { fromHex, hex, seeded, vectorText, writeFiles } from './vectors.ts';

/** Bytes are hexadecimal; messages are wire items. */
type Json = string | number | boolean | readonly Json[] | { readonly [name: string]: Json };

export interface FrameVector {
  readonly type: string;
  readonly number: number;
  readonly fields: Readonly<Record<string, Json>>;
  readonly bytes: string;
}

const bytes = (label: string, length = 32): Uint8Array => seeded(`frame ${label}`, length);
const tag = (n: number): Uint8Array => bytes(`tag ${n}`, 8);
const id = (n: number): Uint8Array => bytes(`id ${n}`);
const peer = (n: number): Uint8Array => bytes(`peer ${n}`);
const print = (n: number): Uint8Array => bytes(`fingerprint ${n}`, 16);

const messages = makeMessageVectors()
  .slice(0, 2)
  .map((vector) => vector.wire);
const grave = makeTombstoneVectors()[0]?.tombstone ?? '';
/** Wire items as values, which encode to the same bytes inside a frame. */
const wires = messages.map((wire) => decode(fromHex(wire)) as unknown);

/** A field with its value in JSON and on the wire. */
type Field = readonly [name: string, json: Json, wire: unknown];

const plain = (name: string, value: string | number | boolean): Field => [name, value, value];
const raw = (name: string, value: Uint8Array): Field => [name, hex(value), value];
const list = (name: string, values: readonly Uint8Array[]): Field => [name, values.map(hex), values];

function frame(number: number, type: string, ...fields: readonly Field[]): FrameVector {
  return {
    type,
    number,
    fields: Object.fromEntries(fields.map(([name, json]) => [name, json])),
    bytes: hex(encode([number, ...fields.map(([, , wire]) => wire)])),
  };
}

const HOUR = 494_444;
const MINUTE = HOUR * 60 + 7;

/** A number of negentropy: digits to the base 128, the most significant first, 128 added to all but the last. */
function varint(value: bigint): number[] {
  const digits = [Number(value & 127n)];
  for (let rest = value >> 7n; rest > 0n; rest >>= 7n) digits.unshift(Number(rest & 127n) | 128);
  return digits;
}

/**
 * Two messages of negentropy, version 1: a fingerprint of what is before a time and one of the rest, and the answer that the
 * first part is equal and the second one is these two ids.
 */
function negentropyMessages(): { readonly asked: Uint8Array; readonly answered: Uint8Array } {
  const time = BigInt(MINUTE) * 60_000n * 65_536n;
  const [version, skip, fingerprint, idList] = [0x61, 0, 1, 2];
  // a time is told as one more than what has passed since the bound before it, the first one since 0; no prefix of an id
  const bound = [...varint(time + 1n), 0];
  const infinity = [0, 0];
  return {
    asked: Uint8Array.of(
      ...[version, ...bound, fingerprint, ...print(3)],
      ...[...infinity, fingerprint, ...print(4)],
    ),
    answered: Uint8Array.of(
      ...[version, ...bound, skip],
      ...[...infinity, idList, ...varint(2n), ...id(5), ...id(6)],
    ),
  };
}

function floors(name: string, ...items: readonly (readonly [Uint8Array, number])[]): Field {
  const json = items.map(([bytesOfTag, floorHour]) => ({ tag: hex(bytesOfTag), floorHour }));
  return [name, json, items];
}

function heads(...items: readonly (readonly [number, Uint8Array, number])[]): Field {
  const json = items.map(([kind, key, sequence]) => ({ kind, peer: hex(key), sequence }));
  return ['heads', json, items];
}

function linkFrames(): FrameVector[] {
  return [
    frame(
      1,
      'auth',
      raw('instance', bytes('instance', 8)),
      plain('url', 'ws://127.0.0.1:5000/'),
      raw('signature', bytes('signature', 64)),
    ),
    frame(2, 'ping', plain('n', 7)),
    frame(3, 'pong', plain('n', 2 ** 53 - 1)),
    frame(4, 'role', plain('relay', true), plain('live', false)),
    frame(5, 'error', plain('code', 'unsolicited'), plain('detail', '3 Nachrichten, für die keiner fragte')),
  ];
}

function messageFrames(): FrameVector[] {
  const wiresField: Field = ['messages', messages, wires];
  return [
    frame(
      6,
      'holds',
      plain('reset', false),
      floors('set', [tag(1), HOUR], [tag(2), 0]),
      list('unset', [tag(3)]),
    ),
    frame(7, 'push', raw('root', bytes('root', 8)), plain('keep', true), wiresField),
    frame(8, 'announce', list('ids', [id(1), id(2)])),
    frame(9, 'fetch', list('ids', [id(3)])),
    frame(10, 'fetched', wiresField, list('notHeld', [id(4)]), [
      'tombstones',
      [grave],
      [decode(fromHex(grave))],
    ]),
    frame(11, 'stored', list('ids', [])),
  ];
}

function membershipFrames(): FrameVector[] {
  const records = [1, 2].map((n) => [bytes(`record ${n}`, 40), bytes(`record signature ${n}`, 64)] as const);
  const relays = [
    [peer(1), ['wss://relay.example/', 'ws://192.0.2.1:5000/']],
    [peer(2), []],
  ] as const;
  return [
    frame(12, 'have', heads([1, peer(1), 1_780_000_000_000], [2, peer(1), 1_780_000_000_000])),
    frame(13, 'want', heads([2, peer(2), 0])),
    frame(14, 'records', [
      'records',
      records.map(([content, signature]) => ({ bytes: hex(content), signature: hex(signature) })),
      records,
    ]),
    frame(15, 'addresses', [
      'relays',
      relays.map(([key, urls]) => ({ peer: hex(key), urls: [...urls] })),
      relays,
    ]),
    frame(16, 'mailbox', list('tags', [tag(1), tag(2)])),
    frame(17, 'mailbox-kept', list('tags', [tag(1)]), plain('hours', 168)),
  ];
}

function syncFrames(): FrameVector[] {
  const sums = [1, 2].map((n) => [tag(n), HOUR - n, print(n)] as const);
  const { asked, answered } = negentropyMessages();
  return [
    frame(18, 'heartbeat', plain('untilMinute', MINUTE), plain('channels', 2), raw('fingerprint', print(0))),
    frame(19, 'sums', plain('untilMinute', 2 ** 42), [
      'sums',
      sums.map(([key, floorHour, fingerprint]) => ({
        tag: hex(key),
        floorHour,
        fingerprint: hex(fingerprint),
      })),
      sums,
    ]),
    frame(
      20,
      'reconcile',
      plain('number', 1),
      plain('untilMinute', MINUTE + 60),
      raw('tag', tag(1)),
      plain('floorHour', HOUR - 2),
      raw('message', asked),
    ),
    frame(21, 'reconciled', plain('number', 1), raw('message', answered)),
    frame(22, 'offer', raw('tag', tag(1)), list('ids', [id(7), id(8)])),
  ];
}

function dialBackFrames(): FrameVector[] {
  return [frame(23, 'dial-back', plain('url', ''), plain('port', 5000))];
}

function ephemeralFrames(): FrameVector[] {
  const roots = [bytes('root', 8), new Uint8Array(0)];
  const items = makeEphemeralVectors()
    .slice(0, 2)
    .map(({ wire }, n) => ({ root: roots[n] as Uint8Array, wire }));
  return [
    frame(24, 'ephemeral', [
      'items',
      items.map(({ root, wire }) => ({ root: hex(root), message: wire })),
      items.map(({ root, wire }) => [root, decode(fromHex(wire)) as unknown]),
    ]),
  ];
}

export function makeFrameVectors(): FrameVector[] {
  return [
    ...linkFrames(),
    ...messageFrames(),
    ...membershipFrames(),
    ...syncFrames(),
    ...dialBackFrames(),
    ...ephemeralFrames(),
    ...tunnelFrames(),
  ];
}

function tunnelFrames(): FrameVector[] {
  return [
    frame(25, 'tunnel-open', plain('number', 1), plain('hops', 16), raw('target', peer(1))),
    // What it carries is a ping.
    frame(26, 'tunnelled', plain('number', 1), plain('isOpener', true), raw('frame', encode([2, 7]))),
    frame(27, 'tunnel-end', plain('number', 300), plain('isOpener', false)),
  ];
}

/** Lists of texts on one line where they fit, as the formatter leaves them. */
function joinLists(text: string): string {
  return text.replace(
    /^( *(?:"\w+": )?)\[\n\s*("[^[\]{}]*")\n\s*\](,?)$/gm,
    (all, head: string, items: string, tail: string) => {
      const line = `${head}[${items.replace(/\n\s*/g, ' ')}]${tail}`;
      return line.length <= 110 ? line : all;
    },
  );
}

/** The file that this tool makes: name from the repository's root, and text. */
export function makeFrameFiles(): Record<string, string> {
  const about =
    'One example of each binary frame: its number, its fields in the order of the wire, and its bytes. ' +
    'Bytes are hexadecimal, messages are wire items of the network openclaw, those of reconcile and reconciled ' +
    'are messages of negentropy. Made by tools/make-frame-vectors.ts.';
  return {
    'docs/protocol/vectors/frames.json': joinLists(vectorText({ about, vectors: makeFrameVectors() })),
  };
}

if (process.argv[1] === import.meta.filename) writeFiles(makeFrameFiles());
