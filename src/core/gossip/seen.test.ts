import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import { openclaw, signedMessage, verify } from '../message/message.fixture.ts';
import { decodeMessage, type Message } from '../message/message.ts';
import { signatureCheck, type Verification, VerifiedMessage, verifySignature } from '../message/verified.ts';
import { SeenMessages } from './seen.ts';

function verified(body: string): VerifiedMessage {
  const message = signedMessage({ body });
  const proof = verifySignature(verify, signatureCheck(openclaw, message));
  return (proof && VerifiedMessage.fromVerification(openclaw, message, proof)) as VerifiedMessage;
}

const idOf = (message: VerifiedMessage): string => message.message.idText;

describe('messages that passed lately', () => {
  it('are remembered for two minutes, with their content', () => {
    const seen = new SeenMessages();
    const message = verified('hello');
    seen.add(message, 1000);
    seen.tick(1000 + LIMITS.seenMs);
    expect([seen.has(idOf(message)), seen.message(idOf(message))]).toEqual([true, message]);
    seen.tick(1001 + LIMITS.seenMs);
    expect([seen.has(idOf(message)), seen.size, seen.bytes]).toEqual([false, 0, 0]);
  });

  it('go once along each tree, only if they are known, and along a handful of trees at most', () => {
    const seen = new SeenMessages();
    const message = verified('hello');
    expect(seen.forwardFirst(idOf(message), 'a', 1)).toBe(false);
    seen.add(message, 0);
    const roots = [...'aabbaccddeeffgghh'].filter((root) => seen.forwardFirst(idOf(message), root, 1));
    expect(new Set(roots).size).toBe(roots.length);
    expect(roots.length).toBeGreaterThan(1);
    expect(roots.length).toBeLessThan(6);
    seen.add(message, 10);
    expect(seen.forwardFirst(idOf(message), 'a', 1)).toBe(false);
  });

  it('are as if they had never come once they are forgotten', () => {
    const seen = new SeenMessages();
    const message = verified('hello');
    seen.add(message, 0);
    seen.forwardFirst(idOf(message), 'a', 1);
    seen.forget(idOf(message));
    expect([seen.has(idOf(message)), seen.bytes]).toEqual([false, 0]);
    seen.add(message, 0);
    expect(seen.forwardFirst(idOf(message), 'a', 1)).toBe(true);
  });

  it('are not driven out by what is forgotten again, however much it is', () => {
    const seen = new SeenMessages();
    const [live, fetched, later] = ['live', 'fetched', 'later'].map(verified) as [
      VerifiedMessage,
      VerifiedMessage,
      VerifiedMessage,
    ];
    seen.add(live, 0);
    for (let i = 0; i <= LIMITS.seenMax; i++) {
      seen.add(fetched, 1);
      seen.forget(idOf(fetched));
    }
    seen.add(later, 2);
    expect([live, fetched, later].map((message) => seen.message(idOf(message)))).toEqual([
      live,
      undefined,
      later,
    ]);
    seen.tick(1 + LIMITS.seenMs);
    expect([seen.has(idOf(live)), seen.has(idOf(later)), seen.size]).toEqual([false, true, 1]);
    seen.tick(3 + LIMITS.seenMs);
    expect([seen.size, seen.bytes]).toEqual([0, 0]);
  });

  it('count with the whole frame that they came in, once for all of its messages', () => {
    const seen = new SeenMessages();
    const frame = new Uint8Array(100_000);
    const parts = ['one', 'two'].map((body) => {
      const { wire } = verified(body).message;
      const at = body === 'one' ? 0 : 50_000;
      frame.set(wire, at);
      const message = decodeMessage(openclaw, frame.subarray(at, at + wire.length));
      const proof = message && verifySignature(verify, signatureCheck(openclaw, message));
      return VerifiedMessage.fromVerification(
        openclaw,
        message as Message,
        proof as Verification,
      ) as VerifiedMessage;
    });
    for (const part of parts) seen.add(part, 0);
    expect(seen.bytes).toBe(100_000);
    seen.forget(idOf(parts[0] as VerifiedMessage));
    expect(seen.bytes).toBe(100_000);
    seen.forget(idOf(parts[1] as VerifiedMessage));
    expect(seen.bytes).toBe(0);
  });

  it('lose their content, the oldest first, above the budget of bytes, and keep their ids', () => {
    const seen = new SeenMessages();
    const messages = Array.from({ length: 300 }, (_, i) => verified(`${i}`.padEnd(60_000, '.')));
    for (const message of messages) {
      seen.add(message, 0);
      expect(seen.bytes).toBeLessThanOrEqual(LIMITS.transitBytesMax);
    }
    expect(messages.every((message) => seen.has(idOf(message)))).toBe(true);
    const held = messages.filter((message) => seen.message(idOf(message)) !== undefined);
    expect(held.length).toBeGreaterThan(270);
    expect(held).toEqual(messages.slice(-held.length));
  });

  it('are 65,536 at most', () => {
    const seen = new SeenMessages();
    const one = verified('one');
    // the ids are what counts here: the same content under many of them
    for (let i = 0; i < LIMITS.seenMax + 100; i++)
      seen.add({ message: { ...one.message, idText: `${i}` } } as unknown as VerifiedMessage, 0);
    expect(seen.size).toBe(LIMITS.seenMax);
    expect([seen.has('0'), seen.has(`${LIMITS.seenMax + 99}`)]).toEqual([false, true]);
  });
});
