import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inboxItem } from '../testing/fake-agent.ts';
import { startTestApi, type TestApi } from '../testing/harness.ts';
import type { InboxEvent } from './agent-types.ts';
import { openInbox } from './inbox.ts';

const failing = (code: string) => expect.objectContaining({ code });

describe('the inbox of a daemon', () => {
  let api: TestApi;
  let stop: AbortController;
  beforeEach(async () => {
    api = await startTestApi();
    stop = new AbortController();
  });
  afterEach(() => api.stop());

  const open = (client = 'test', token = api.owner.token) =>
    openInbox({ url: api.url, token, dataFolder: api.folder }, { client, signal: stop.signal });

  async function read(feed: AsyncIterable<InboxEvent>, onEvent: () => void = () => undefined) {
    const found: InboxEvent[] = [];
    for await (const event of feed) {
      found.push(event);
      onEvent();
    }
    return found;
  }

  it('comes as it was said, in any language, and ends quietly with the signal', async () => {
    const item = inboxItem();
    const body = 'zwei\nZeilen: "日本" \u2028 👩‍🚀';
    api.gate.agent.events = [{ kind: 'item', item: { ...item, message: { ...item.message, body } } }];
    const found = await read(open(), () => stop.abort());
    expect(found).toMatchObject([{ kind: 'item', item: { message: { body } } }]);
    await api.gate.until(() => true);
  });

  it('is refused with the daemon’s words', async () => {
    api.gate.agent.client = { name: 'other', since: '' };
    await expect(read(open())).rejects.toEqual(failing('inbox_taken'));
    await expect(read(open('NO!'))).rejects.toEqual(failing('bad_request'));
    await expect(read(open('test', 'mesh_wrong'))).rejects.toEqual(failing('unauthenticated'));
  });

  it('says when the daemon has gone', async () => {
    api.gate.agent.events = [{ kind: 'item', item: inboxItem() }];
    const gone = read(open(), () => void api.api.close());
    await expect(gone).rejects.toEqual(failing('no_daemon'));
    await expect(read(open())).rejects.toEqual(failing('no_daemon'));
  });
});
