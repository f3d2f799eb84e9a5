import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../bytes.ts';
import {
  DOINGS,
  type EphemeralContent,
  ephemeralParts,
  isEphemeralMessage,
  RUN_STATES,
  readEphemeral,
  runKey,
  runOf,
} from './ephemeral.ts';
import { authorOf, fromHex, openclaw, readVectors, signedMessage } from './message.fixture.ts';
import { decodeMessage, isEphemeral, type Message } from './message.ts';

interface Vector {
  readonly name: string;
  readonly wire: string;
  readonly isCarried: boolean;
  readonly run: string | null;
  readonly content: EphemeralContent | null;
}

const { vectors } = readVectors<{ vectors: Vector[] }>('ephemeral.json');

describe('an ephemeral', () => {
  it.each(vectors)('$name is told apart, read and given its run as the vector says', (vector) => {
    const message = decodeMessage(openclaw, fromHex(vector.wire)) as Message;
    expect(isEphemeralMessage(message)).toBe(vector.isCarried);
    expect(readEphemeral(message) ?? null).toEqual(vector.content);
    const run = runOf(message);
    expect(run === undefined ? null : toHex(run)).toBe(vector.run);
  });

  it('comes back as it was said', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 50 });
    const state = fc.constantFrom(...RUN_STATES);
    const content: fc.Arbitrary<EphemeralContent> = fc.oneof(
      fc.record({ kind: fc.constant('draft'), text, state }),
      fc.record({ kind: fc.constant('activity'), text, state, doing: fc.constantFrom(...DOINGS) }),
    );
    fc.assert(
      fc.property(content, (said) => {
        expect(readEphemeral(signedMessage(ephemeralParts(said)))).toEqual(said);
      }),
    );
  });

  it('is of one run with what has the same author, channel, kind and run, and with nothing else', () => {
    const run = (n: number) => [{ relation: 7, id: new Uint8Array(32).fill(n) }];
    const key = runKey(signedMessage({ kind: 256, refs: run(1), body: 'x' }));
    expect(runKey(signedMessage({ kind: 256, refs: run(1), body: 'xy' }))).toBe(key);
    const others = [
      signedMessage({ kind: 257, refs: run(1) }),
      signedMessage({ kind: 256, refs: run(2) }),
      signedMessage({ kind: 256 }),
      signedMessage({ kind: 256, refs: run(1), channel: 'hall' }),
      signedMessage({ kind: 256, refs: run(1), author: authorOf('eve').publicKey }, authorOf('eve')),
    ];
    expect(new Set([key, ...others.map(runKey)]).size).toBe(6);
  });

  it('has a kind from 256 to 511', () => {
    expect([0, 1, 255, 256, 511, 512, 65535].map(isEphemeral)).toEqual([
      ...[false, false, false, true, true, false, false],
    ]);
  });
});
