import { describe, expect, it } from 'vitest';
import { toBase64url, utf8 } from '../core/bytes.ts';
import { LIMITS } from '../core/limits.ts';
import { createAuthor, unsignedMessage } from '../store/testing/messages.ts';
import type { PublishRequest } from './gate.ts';
import { publishCommand } from './publish.ts';

const me = 'A'.repeat(43);
const other = 'B'.repeat(42) + 'A';
const WALL_MS = 1_000_000;
const make = (request: Partial<PublishRequest>) =>
  publishCommand({ channel: 'dev', body: 'x', ...request }, [me, other], WALL_MS);
const id = toBase64url(new Uint8Array(32));

describe('a publish command', () => {
  it('has a normalised channel, payload bytes, refs as numbers, and the first identity', () => {
    expect(make({ channel: 'cafe\u0301', payload: { a: 1 }, refs: [{ relation: 'reply', id }] })).toEqual({
      identity: me,
      channel: 'caf\u00e9',
      body: 'x',
      payload: utf8('{"a":1}'),
      refs: [{ relation: 1, id: new Uint8Array(32) }],
      expiresMs: 0,
      idempotencyKey: '',
    });
    expect(make({ identity: other, expiresMs: WALL_MS + 1, idempotencyKey: 'k' })).toMatchObject({
      identity: other,
      expiresMs: WALL_MS + 1,
      idempotencyKey: 'k',
    });
    expect(make({ payload: null }).payload).toEqual(utf8('null'));
    expect(make({}).payload).toHaveLength(0);
    const payloadText = '{ "b": 1.0, "a": 12345678901234567890, "a": "\\u00e9" }';
    expect(make({ payloadText }).payload).toEqual(utf8(payloadText));
  });

  it.each<[string, Partial<PublishRequest>]>([
    ['bad_channel', { channel: 'dm:a:b' }],
    ['bad_channel', { channel: '' }],
    ['bad_channel', { channel: 'a\ud800' }],
    ['bad_text', { body: 'a\ud800' }],
    ['bad_payload', { payload: 1n }],
    ['bad_payload', { payloadText: '{a:1}' }],
    ['bad_text', { payloadText: '"\ud800"' }],
    ['bad_request', { payloadText: '1', payload: 1 }],
    ['bad_payload', { payload: () => 1 }],
    ['bad_request', { refs: [{ relation: 'reply', id: 'short' }] }],
    ['bad_request', { refs: Array(9).fill({ relation: 'reply', id }) }],
    ['bad_request', { expiresMs: WALL_MS }],
    ['bad_request', { expiresMs: 1.5 }],
    ['bad_request', { idempotencyKey: '' }],
    ['bad_request', { idempotencyKey: 'k'.repeat(LIMITS.idempotencyKeyBytesMax + 1) }],
    ['bad_request', { identity: 'C'.repeat(43) }],
    ['message_too_large', { body: 'x'.repeat(LIMITS.messageBytesMax) }],
  ])('is refused with %s for %o', (code, request) => {
    expect(() => make(request)).toThrow(expect.objectContaining({ code }));
  });

  it('is accepted only if the message that follows fits, with every field at its longest', () => {
    const refs = Array(LIMITS.refsMax).fill({ relation: 'cause' as const, id });
    const channel = 'c'.repeat(LIMITS.channelBytesMax);
    let body = '';
    try {
      make({ channel, refs, body: 'x'.repeat(LIMITS.messageBytesMax) });
    } catch (error) {
      body = 'x'.repeat(Number(/at most ([0-9]+) fit/.exec(String(error))?.[1]) - 400);
    }
    const payload = 'p'.repeat(398);
    const command = make({ channel, refs, body, payload });
    const { message } = unsignedMessage(createAuthor(1), {
      channel,
      body,
      payload: command.payload,
      refs: refs.map(() => ({ relation: 65535, id: new Uint8Array(32) })),
      prev: new Uint8Array(32),
      time: { timeMs: 2 ** 47 - 1, counter: 65535 },
      expiresMs: Number.MAX_SAFE_INTEGER,
    });
    expect(message.wire.length).toBeLessThanOrEqual(LIMITS.messageBytesMax);
    expect(message.wire.length).toBeGreaterThan(LIMITS.messageBytesMax - 64);
  });
});
