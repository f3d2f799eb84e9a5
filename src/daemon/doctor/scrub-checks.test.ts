import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../store/sqlite.ts';
import {
  createAuthor,
  joined,
  NETWORK,
  published,
  received,
  sha256,
  signedMessage,
} from '../../store/testing/messages.ts';
import type { Finding } from './finding.ts';
import { fail } from './finding.ts';
import { checkMessages } from './scrub-checks.ts';
import type { ScrubResult } from './subject.ts';
import { makeDatabase, running, subjectOf, tempFolder } from './testing/subject.ts';

const [me, other] = [createAuthor(1), createAuthor(2)];
const env = { MESH_NETWORK: NETWORK };
const SOUND: ScrubResult = { checked: 3, damaged: [], structure: '' };

/** A closed database: messages 1 and 2 of somebody, 3 an own one. */
function folderWithMessages(change = ''): string {
  const folder = tempFolder();
  const file = path.join(folder, 'store.db');
  const store = openStore({ path: file, network: NETWORK, sha256 });
  const messages = [0, 1].map((nonce) => received(signedMessage(other, { nonce })));
  store.transact([[joined('dev'), ...messages, published(signedMessage(me))]]);
  store.close();
  const db = new Database(file);
  if (change !== '') db.exec(change);
  db.close();
  return folder;
}

async function checked(
  folder: string,
  { answer = SOUND, earlier = [] as Finding[], isRunning = false, isHeld = false } = {},
): Promise<readonly Finding[]> {
  const subject = await subjectOf(folder, { env });
  const seen = isRunning ? running(subject) : subject;
  const held = {
    ...subject,
    presence: { kind: 'hidden', why: '', lock: { state: 'held', pids: [] } },
  } as const;
  const ask = { daemon: async () => answer, onProgress: () => undefined };
  return checkMessages(isHeld ? held : seen, ask, earlier);
}

describe('the check of all messages', () => {
  it('is made only when somebody asks', async () => {
    const subject = await subjectOf(folderWithMessages(), { env });
    const [finding] = await checkMessages(subject, undefined, []);
    expect(finding).toMatchObject({ state: 'skipped', what: expect.stringContaining('doctor --scrub') });
  });

  it('reads the database itself where no daemon runs, and says that all is well', async () => {
    const folder = folderWithMessages();
    expect(await checked(folder)).toMatchObject([
      { check: 'scrub', state: 'ok', what: '3 stored messages were read, and all are as they were signed.' },
    ]);
    expect(fs.readdirSync(folder).sort()).toEqual(['store.db', 'store.db.lock']);
  });

  it('says what is damaged and what comes of it, and says it again as long as it is not back', async () => {
    const folder = folderWithMessages("UPDATE message SET body = 'x' WHERE arrival = 1");
    for (let round = 0; round < 2; round++) {
      const [finding] = await checked(folder);
      expect(finding).toMatchObject({
        state: 'warn',
        what: '1 stored message of 3 is damaged: 1 in "dev".',
        mend: expect.stringMatching(/fetches them again when it runs from neighbours/),
      });
    }
  });

  it('fails where an own message may be lost', async () => {
    const [finding] = await checked(folderWithMessages("UPDATE message SET body = 'x' WHERE arrival > 1"));
    expect(finding).toMatchObject({
      state: 'fail',
      what: '2 stored messages of 3 are damaged: 2 in "dev", of them 1 sent from here that nobody had confirmed.',
      mend: expect.stringContaining('send it again'),
    });
  });

  it('fails where more than messages is damaged, and says that a start recovers it', async () => {
    const [finding] = await checked(folderWithMessages('UPDATE message SET kind = 4 WHERE arrival = 2'));
    expect(finding).toMatchObject({
      state: 'fail',
      what: expect.stringMatching(/The database itself is damaged: .*message number 2/),
      mend: expect.stringContaining('keeps the damaged files aside'),
    });
  });

  it('has a running daemon do it', async () => {
    const folder = folderWithMessages("UPDATE message SET body = 'x'");
    expect(await checked(folder, { isRunning: true })).toMatchObject([{ state: 'ok' }]);
    const damaged = [{ channel: 'dev', messages: 2, unconfirmed: 0 }];
    const [finding] = await checked(folder, { isRunning: true, answer: { ...SOUND, damaged } });
    expect(finding).toMatchObject({ state: 'warn', mend: expect.stringMatching(/is fetching them again/) });
  });

  it('leaves alone what is not there, in use, of an older version, or damaged as a whole', async () => {
    const reasons = async (folder: string, how: Parameters<typeof checked>[1] = {}) =>
      (await checked(folder, how)).map(({ state, what }) => `${state}: ${what}`);
    const folder = folderWithMessages();
    const earlier = [fail('integrity', 'damaged', '')];
    const old = tempFolder();
    makeDatabase(path.join(old, 'store.db'), { schema: 3 });
    expect(await reasons(tempFolder())).toEqual(['skipped: There is no database yet.']);
    expect(await reasons(folder, { isHeld: true })).toEqual([
      expect.stringMatching(/skipped: .*somebody else/),
    ]);
    expect(await reasons(folder, { earlier })).toEqual([expect.stringMatching(/skipped: .*cannot be used/)]);
    expect(await reasons(old)).toEqual([expect.stringMatching(/skipped: .*older version/)]);
  });
});
