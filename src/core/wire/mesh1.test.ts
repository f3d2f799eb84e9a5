import { describe, expect, it } from 'vitest';
import { fromBase64url, textOf, toBase64url, utf8 } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { fromHex, openclaw, readVectors, signedMessage } from '../message/message.fixture.ts';
import { buildMessage, decodeMessage, type Message } from '../message/message.ts';
import {
  encodeMesh1Message,
  encodeSubscription,
  encodeSyncRequest,
  encodeSyncResponse,
  mesh1Fields,
  mesh1IdOf,
  parseMesh1,
} from './mesh1.ts';

const { vectors } = readVectors<{
  vectors: { name: string; wire: string; frame: string; network: string }[];
}>('mesh1.json');

type Json = Record<string, unknown>;

function sent(message: Message): Json {
  const fields = mesh1Fields(message);
  if (fields === undefined) throw new Error('cannot be sent');
  return JSON.parse(encodeMesh1Message(fields)) as Json;
}

function withPayload(text: string): Message {
  return signedMessage({ payload: utf8(text) });
}

describe('a mesh/2 message for a mesh/1 peer', () => {
  it('has the seven known fields at most, and itself under $m2', () => {
    const message = signedMessage({ body: 'hello', payload: utf8('{"a":1}') });
    const frame = sent(message);
    expect(frame).toEqual({
      type: 'message',
      message_id: message.idText,
      channel_id: 'lobby',
      sender_id: toBase64url(message.author),
      body: 'hello',
      timestamp: new Date(message.time.timeMs).toISOString(),
      payload: { a: 1, $m2: toBase64url(message.wire) },
    });
    const { $m2 } = frame.payload as { $m2: string };
    expect(decodeMessage(openclaw, fromBase64url($m2) as Uint8Array)).toEqual(message);
  });

  it.each([
    ['nothing', '', []],
    ['an object', ' {"a" : [1, {"b":2}] }\n', ['a']],
    ['an empty object', '{}', []],
    ['a list', '[1]', []],
    ['text', '"x"', []],
    ['no JSON', '{"a":', []],
    ['a field called $m2', '{"$m2":"mine","a":1}', []],
    ['a prototype', '{"__proto__":{"x":1},"a":1}', ['__proto__', 'a']],
    ['a payload 40 levels deep', `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`, []],
    ['32,000 lists in each other', '['.repeat(16_000) + ']'.repeat(16_000), []],
  ])('shows others what the author put beside it: %s', (_, payload, names) => {
    const message = withPayload(payload);
    const shown = sent(message).payload as Json;
    expect(Object.keys(shown)).toEqual(['$m2', ...names]);
    expect(shown.$m2).toBe(toBase64url(message.wire));
  });

  it('is not shown beside itself where that would be too much, and fits however large it is', () => {
    const large = signedMessage({ body: 'x'.repeat(65_000) });
    const lean = encodeMesh1Message(mesh1Fields(large) as string);
    expect(lean.length).toBeLessThan(LIMITS.mesh1LeanBytes);
    expect(JSON.parse(lean)).toMatchObject({ body: '', payload: { $m2: toBase64url(large.wire) } });
    const escaped = signedMessage({ body: '\u0001'.repeat(20_000) });
    expect(sent(escaped)).toMatchObject({ body: '' });
    const small = signedMessage({ body: 'x'.repeat(30_000) });
    expect(sent(small)).toMatchObject({ body: 'x'.repeat(30_000) });
  });
});

describe('a message that began at a mesh/1 peer', () => {
  it.each(vectors.filter(({ network }) => network === 'openclaw'))(
    'goes to others as its author sent it: $name',
    ({ wire, frame }) => {
      const message = decodeMessage(openclaw, fromHex(wire)) as Message;
      const { payload = null, ...others } = JSON.parse(frame) as Json;
      expect(sent(message)).toEqual({ ...others, payload });
      expect(mesh1IdOf(message)).toBe(others.message_id);
      const parsed = parseMesh1(encodeMesh1Message(mesh1Fields(message) as string));
      expect(parsed).toEqual(parseMesh1(frame));
      expect(parsed).toMatchObject({
        type: 'message',
        message: { payload: textOf(message.payload), signature: message.signature },
      });
    },
  );
});

describe('a message that would come out of a mesh/1 peer as another one', () => {
  it.each(['{"a":1.0}', '{"b":1,"b":2}', '{"2":1,"1":2}', ' {}', '{"$m2":"x"}', '{"a":'])(
    'is not sent to one: %s',
    (payload) => {
      const wire = vectors[0]?.wire ?? '';
      const { bytes, signature, body } = decodeMessage(openclaw, fromHex(wire)) as Message;
      expect(
        mesh1Fields(buildMessage(openclaw, { bytes, signature, body, payload: utf8(payload) })),
      ).toBeUndefined();
    },
  );
});

describe('a text of mesh/1', () => {
  const message = {
    message_id: 'm',
    channel_id: 'lobby',
    sender_id: 's',
    body: 'b',
    timestamp: '2026-03-01T12:00:00.000Z',
  };
  const frame = (type: string, fields: object = {}): string => JSON.stringify({ type, ...fields });

  it('is what it says', () => {
    expect(parseMesh1(encodeSubscription('subscribe', 'a'))).toEqual({ type: 'subscribe', channel: 'a' });
    expect(parseMesh1(encodeSubscription('unsubscribe', 'a'))).toEqual({ type: 'unsubscribe', channel: 'a' });
    const request = { type: 'sync_request', channel: 'a' };
    expect(parseMesh1(encodeSyncRequest('a', '', 20))).toEqual({ ...request, after: '', limit: 20 });
    expect(parseMesh1(encodeSyncRequest('a', 'm', 900))).toEqual({ ...request, after: 'm', limit: 500 });
    expect(parseMesh1(frame('sync_request', { channel_id: 'a' }))).toEqual({
      ...request,
      after: '',
      limit: 100,
    });
    const fields = [signedMessage(), signedMessage({ body: 'two' })].map((one) => mesh1Fields(one) as string);
    expect(parseMesh1(encodeSyncResponse('a "b"', fields))).toMatchObject({
      type: 'sync_response',
      channel: 'a "b"',
      messages: [{ body: 'hello' }, { body: 'two' }],
    });
    expect(parseMesh1(frame('error', { code: 'x', message: 'y' }))).toEqual({
      type: 'error',
      code: 'x',
      detail: 'y',
    });
    expect(parseMesh1(frame('error', { code: 1 }))).toEqual({ type: 'error', code: '', detail: '' });
    expect(parseMesh1(frame('ping'))).toEqual({ type: 'ignored' });
    expect(parseMesh1(frame('handshake'))).toEqual({ type: 'handshake' });
  });

  it('keeps what is under $m2, and the text of any other payload', () => {
    const of = (payload: unknown) => parseMesh1(frame('message', { ...message, payload }));
    expect(of({ $m2: 'abc', a: 1 })).toMatchObject({ message: { carried: 'abc', payload: '' } });
    expect(of({ $m2: 7 })).toMatchObject({ message: { carried: undefined, payload: '{"$m2":7}' } });
    expect(of({ b: 1, a: [null] })).toMatchObject({ message: { payload: '{"b":1,"a":[null]}' } });
    for (const nothing of [null, undefined])
      expect(of(nothing)).toMatchObject({ message: { carried: undefined, payload: '' } });
    const inPrototype = frame('message', { ...message, payload: {} }).replace(
      '{}',
      '{"__proto__":{"$m2":"x"}}',
    );
    expect(parseMesh1(inPrototype)).toMatchObject({ message: { carried: undefined } });
  });

  it('leaves out what it cannot read of an answer, and says how much', () => {
    const messages = [message, { ...message, timestamp: 7 }, { ...message, body: null }];
    expect(parseMesh1(frame('sync_response', { channel_id: 'a', messages }))).toMatchObject({
      messages: [{ messageId: 'm' }],
      unreadable: 2,
    });
  });

  it('has a signature in standard base64 or none', () => {
    const of = (signature: unknown) => parseMesh1(frame('message', { ...message, signature }));
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => 255 - i);
    const text = Buffer.from(bytes).toString('base64');
    expect(of(text)).toMatchObject({ message: { signature: bytes } });
    for (const none of [undefined, null, 7, '', text.slice(4), `${text}AAAA`, '='.repeat(88)])
      expect(of(none)).toMatchObject({ message: { signature: undefined } });
  });

  // The frames that ended the first peer are among them.
  it.each([
    'null',
    '[]',
    '7',
    '"x"',
    '',
    '{',
    '{}',
    '{"type":null}',
    '{"type":["message"]}',
    frame('subscribe'),
    frame('subscribe', { channel_id: {} }),
    frame('sync_request', { channel_id: {} }),
    frame('sync_request', { channel_id: 'a', limit: '1' }),
    frame('sync_request', { channel_id: 'a', limit: 0 }),
    frame('sync_request', { channel_id: 'a', limit: 1.5 }),
    frame('sync_request', { channel_id: 'a', after_message_id: 7 }),
    frame('sync_request', { channel_id: 'a', after_message_id: 'x'.repeat(65) }),
    frame('sync_response', { channel_id: 'a', messages: 5 }),
    frame('sync_response', { channel_id: 'a', messages: [null] }),
    frame('sync_response', { channel_id: 'a', messages: new Array(501).fill(message) }),
    frame('message', { ...message, body: {} }),
    frame('message', { ...message, timestamp: {} }),
    frame('message', { ...message, sender_id: null }),
    frame('message', {}),
    '['.repeat(100_000),
    `{"type":"message","payload":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    `${frame('message', message).slice(0, -1)},"payload":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
  ])('is refused where it is none (%#)', (text) => {
    expect(parseMesh1(text)).toBeUndefined();
  });
});
