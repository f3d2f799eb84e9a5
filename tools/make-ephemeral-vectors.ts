/**
 * Makes docs/protocol/vectors/ephemeral.json: wire items of ephemeral kinds, with what a reader shows of each, and whether
 * an `ephemeral` frame may carry it.
 *
 * Nothing of src is used: the bytes come from cborg and node:crypto, as those of the other messages.
 * Run: node tools/make-ephemeral-vectors.ts
 */
import { encode } from 'cborg';
import { type Fields, makeMessage } from './make-message-vectors.ts';
import { hex, seeded, vectorText, writeFiles } from './vectors.ts';

export interface EphemeralVector {
  readonly name: string;
  readonly wire: string;
  /** whether an `ephemeral` frame may carry it */
  readonly isCarried: boolean;
  /** id of the run, null where there is none */
  readonly run: string | null;
  /** what a reader of this version shows, null for nothing */
  readonly content: Readonly<Record<string, string>> | null;
}

const RUN = hex(seeded('run'));
const TIME = 1_780_000_000_000;
const DRAFT = 256;
const ACTIVITY = 257;

const payloadOf = (...items: readonly unknown[]): string => hex(encode(items));

const BASE: Partial<Fields> = {
  kind: DRAFT,
  refs: [{ relation: 7, id: RUN }],
  expiresMs: TIME + 60_000,
  body: 'It is',
  payload: payloadOf(0),
};

type Verdict = Partial<Omit<EphemeralVector, 'name' | 'wire'>>;

function ephemeral(name: string, changes: Partial<Fields>, verdict: Verdict = {}): EphemeralVector {
  const { wire } = makeMessage(name, { ...BASE, ...changes });
  return { name, wire, isCarried: true, run: RUN, content: null, ...verdict };
}

const activity = (name: string, body: string, state: number, doing: number, verdict: Verdict) =>
  ephemeral(name, { kind: ACTIVITY, body, payload: payloadOf(state, doing) }, verdict);

function readable(): EphemeralVector[] {
  const draft = { kind: 'draft', text: 'It is' };
  const answer = { relation: 1, id: hex(seeded('question')) };
  return [
    ephemeral('a draft', {}, { content: { ...draft, state: 'open' } }),
    ephemeral(
      'a draft that is complete',
      { payload: payloadOf(1) },
      { content: { ...draft, state: 'ended' } },
    ),
    ephemeral(
      'a draft that is broken off',
      { payload: payloadOf(2) },
      { content: { ...draft, state: 'cancelled' } },
    ),
    ephemeral(
      'a draft without a run, in another channel',
      { refs: [], channel: 'a' },
      { run: null, content: { ...draft, state: 'open' } },
    ),
    ephemeral(
      'a draft of an answer, whose run is named behind it',
      { refs: [answer, { relation: 7, id: RUN }] },
      { content: { ...draft, state: 'open' } },
    ),
    activity('typing', '', 0, 0, { content: { kind: 'activity', text: '', state: 'open', doing: 'typing' } }),
    activity('a tool', 'search', 0, 1, {
      content: { kind: 'activity', text: 'search', state: 'open', doing: 'tool' },
    }),
    activity('the end of reasoning', '', 1, 2, {
      content: { kind: 'activity', text: '', state: 'ended', doing: 'reasoning' },
    }),
  ];
}

/** Carried like any other, and shown by nobody who cannot read them. */
function unreadable(): EphemeralVector[] {
  return [
    ephemeral('an unknown ephemeral kind', { kind: 511 }),
    ephemeral('a draft without a payload', { payload: '' }),
    ephemeral('a draft with an unknown state', { payload: payloadOf(3) }),
    ephemeral('a draft with one item more', { payload: payloadOf(0, 0) }),
    ephemeral('a draft with a payload of JSON', { payload: hex(new TextEncoder().encode('{}')) }),
    activity('an unknown activity', '', 0, 3, {}),
    ephemeral('an activity without what it does', { kind: ACTIVITY }),
  ];
}

function notCarried(): EphemeralVector[] {
  const refused = { isCarried: false };
  const size = (bytes: number) => ({ body: 'x'.repeat(bytes - EMPTY_BYTES) });
  return [
    ephemeral('kind 255', { kind: 255 }, refused),
    ephemeral('kind 512', { kind: 512 }, refused),
    ephemeral('a post', { kind: 1 }, refused),
    ephemeral(
      'no expiry',
      { expiresMs: 0 },
      { ...refused, content: { kind: 'draft', text: 'It is', state: 'open' } },
    ),
    ephemeral(
      'an expiry more than 60 s behind its time',
      { expiresMs: TIME + 60_001 },
      { ...refused, content: { kind: 'draft', text: 'It is', state: 'open' } },
    ),
    ephemeral('16 KiB', { ...size(16_384), payload: '' }),
    ephemeral('one byte more than 16 KiB', { ...size(16_385), payload: '' }, refused),
  ];
}

/** Bytes of a wire item without payload besides its body, where the length of that takes three bytes. */
const EMPTY_BYTES = (() => {
  const body = 'x'.repeat(1000);
  return makeMessage('', { ...BASE, body, payload: '' }).wire.length / 2 - body.length;
})();

export function makeEphemeralVectors(): EphemeralVector[] {
  return [...readable(), ...unreadable(), ...notCarried()];
}

/** The file that this tool makes: name from the repository's root, and text. */
export function makeEphemeralFiles(): Record<string, string> {
  const about =
    'Messages of ephemeral kinds: wire item, whether an ephemeral frame may carry it, the run that it names, and what a ' +
    'reader shows of it (null: nothing). Bytes are hexadecimal. Made by tools/make-ephemeral-vectors.ts.';
  return {
    'docs/protocol/vectors/ephemeral.json': vectorText({ about, vectors: makeEphemeralVectors() }),
  };
}

if (process.argv[1] === import.meta.filename) writeFiles(makeEphemeralFiles());
