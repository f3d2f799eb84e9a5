import { describe, expect, it } from 'vitest';
import { createMemoryStore } from './memory.ts';
import { describeStore } from './testing/acceptance.ts';
import { createAuthor, joined, NETWORK, received, sha256, signedMessage } from './testing/messages.ts';

describeStore('the memory store', () => {
  let store = createMemoryStore({ network: NETWORK, sha256 });
  const reopen = () => {
    store.close();
    store = store.reopen();
    return store;
  };
  return {
    store,
    reopen,
    damage: (id) => {
      store.damage(id);
      return reopen();
    },
  };
});

describe('the memory store in the simulator', () => {
  it('keeps what was transacted over a crash and refuses the old handle', () => {
    const store = createMemoryStore({ network: NETWORK, sha256 });
    store.transact([[joined('dev')]]);
    expect(() => store.reopen()).toThrow(expect.objectContaining({ code: 'store_locked' }));
    store.crash();
    expect(() => store.transact([])).toThrow(expect.objectContaining({ code: 'store_failed' }));
    expect(store.reopen().restore().joined).toMatchObject([{ channel: 'dev' }]);
  });

  it('says what the simulator says of the disk', () => {
    const store = createMemoryStore({ network: NETWORK, sha256, freeBytes: () => 7 });
    expect(store.read({ kind: 'usage' })).toEqual({ kind: 'usage', tags: [], freeBytes: 7 });
    const unknown = createMemoryStore({ network: NETWORK, sha256 });
    expect(unknown.read({ kind: 'usage' })).toMatchObject({ freeBytes: Number.MAX_SAFE_INTEGER });
  });

  it('fails once when told to and applies nothing of that call', () => {
    const store = createMemoryStore({ network: NETWORK, sha256 });
    const op = received(signedMessage(createAuthor(1)));
    store.failNext();
    expect(() => store.transact([[op]])).toThrow(expect.objectContaining({ code: 'store_failed' }));
    expect(store.lastArrival()).toBe(0);
    expect(store.transact([[op]])).toMatchObject([[{ inserted: true, arrival: 1 }]]);
  });

  it('does not keep alive or depend on the frame that a message came in', () => {
    const store = createMemoryStore({ network: NETWORK, sha256 });
    const { message } = signedMessage(createAuthor(1));
    store.transact([[received(signedMessage(createAuthor(1)))]]);
    const stored = store.readMessage(message.idText)?.message.message;
    expect(stored?.wire.buffer.byteLength).toBe(message.wire.length);
    expect(stored?.bytes.buffer).toBe(stored?.wire.buffer);
  });
});
