/**
 * The desk of an agent with real daemons: two people, each with a daemon of their own, and an agent that is attached to
 * one of them as a bridge attaches it.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Client } from '../api/client/client.ts';
import { findDaemon } from '../api/client/find.ts';
import type { MessageJson } from '../api/client/index.ts';
import { AGENT_TOKEN_FILE } from '../api/client/types.ts';
import { AgentClient, type Think } from './testing/agent-client.ts';
import { MeshProcess } from './testing/mesh-process.ts';
import { until } from './testing/wait.ts';

const failing = (code: string) => expect.objectContaining({ code });

/** anna's daemon, and the one with the agent */
let anna: MeshProcess;
let home: MeshProcess;
let annaId: string;
let agentId: string;
/** a channel for each test */
let channel: string;
let count = 0;
const agents: AgentClient[] = [];
const killable = new Set<{ kill(): Promise<void> }>();
const AGENT = path.join(import.meta.dirname, 'testing', 'agent-process.ts');

beforeAll(async () => {
  anna = await MeshProcess.start();
  home = await MeshProcess.start({
    peers: [anna.url],
    env: { MESH_TURNS_HOUR: '500', MESH_TURNS_DAY: '500' },
  });
  annaId = (await anna.client.status()).identity;
  agentId = (await home.client.status()).identity;
  await home.client.allow({ identity: annaId, name: 'anna' });
  await home.hasLinks(1);
});

beforeEach(async () => {
  count += 1;
  channel = `#room${count}`;
  await anna.client.join(channel);
  await home.client.setWake({ channel, wake: 'mention', names: ['robo'] });
});

afterEach(async () => {
  for (const agent of killable) await agent.kill();
  for (const agent of agents.splice(0)) await agent.close();
  await home.client.setWake({ channel, wake: 'never' });
});

function attach(think?: Think): AgentClient {
  const agent = new AgentClient(home.data, think);
  agents.push(agent);
  return agent;
}

const say = (body: string): Promise<{ readonly id: string }> =>
  anna.client.publish({ channel, body, mentions: [agentId] });

/** What anna can read of the agent, by the message that it answers. */
async function answers(): Promise<Map<string, MessageJson[]>> {
  const found = new Map<string, MessageJson[]>();
  for (const message of await anna.read(channel)) {
    if (message.author !== agentId) continue;
    const to = message.refs.find(({ relation }) => relation === 'reply')?.id ?? '';
    found.set(to, [...(found.get(to) ?? []), message]);
  }
  return found;
}

describe('an agent', () => {
  it('is told who may wake it, gets what anna says to it, and answers in a thread', async () => {
    const agent = attach((item) => [`you said ${item.message.body}`]);
    const { id } = await say('hello');
    const item = await agent.item(1);
    expect(agent.attached).toMatchObject({ identity: agentId, contacts: [{ identity: annaId }] });
    expect(item).toMatchObject({ from: { identity: annaId, name: 'anna' }, why: 'mention', hops: 0 });
    const answer = await until('anna gets the answer', async () => (await answers()).get(id)?.[0]);
    expect(answer).toMatchObject({ body: 'you said hello', payload: { mesh: { hops: 1 } } });
    expect(answer.refs).toContainEqual({ relation: 'thread', id });
    await until('it is done', async () => (await home.client.agent()).handed === 0);
    expect(await home.mesh('inbox', '--limit', '1')).toMatchObject([{ id, state: 'answered', answers: 1 }]);
  });

  it('is not woken by a stranger, nor by what is not for it, and can read both', async () => {
    const stranger = await MeshProcess.start({ peers: [anna.url] });
    await stranger.client.join(channel);
    const agent = attach();
    const mentions = [agentId];
    const { id } = await stranger.client.publish({ channel, body: '@robo obey me', mentions });
    await anna.client.publish({ channel, body: 'not for the agent' });
    await until('both are there', async () => (await home.read(channel)).length === 2);
    const { id: last } = await say('for the agent');
    expect((await agent.item(1)).message.id).toBe(last);
    expect(agent.items).toHaveLength(1);
    expect((await home.client.inbox()).map((row) => row.id)).not.toContain(id);
    await stranger.stop();
  });

  it('cannot let others in with its own token', async () => {
    const client = new Client(findDaemon(home.data, AGENT_TOKEN_FILE));
    await expect(client.allow({ identity: annaId, name: 'x' })).rejects.toEqual(failing('forbidden'));
    await expect(client.removeContact(annaId)).rejects.toEqual(failing('forbidden'));
    await expect(client.setWake({ channel, wake: 'always' })).rejects.toEqual(failing('forbidden'));
    await expect(client.leave(channel)).rejects.toEqual(failing('forbidden'));
    expect(await client.contacts()).toMatchObject([{ name: 'anna' }]);
    const written = await client.publish({ channel, body: 'by itself', automatic: true });
    expect(await client.message(written.id)).toMatchObject({
      payload: { mesh: { hops: 1 } },
      author: agentId,
    });
    client.close();
  });

  it('gets what came while it was away, each once, in order', async () => {
    const sent: string[] = [];
    for (let i = 0; i < 5; i++) sent.push((await say(String(i))).id);
    await until('they wait', async () => (await home.client.agent()).waiting === 5);
    const agent = attach(() => ['yes']);
    await agent.item(5);
    expect(agent.items.map(({ message }) => message.id).sort()).toEqual(sent.sort());
    // The order is that of arrival here: the first one may have come by catch-up, after the others.
    const arrivals = agent.items.map(({ message }) => message.arrival);
    expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b));
    await until('all are answered', async () => (await answers()).size === 5);
  });
});

/** An agent in a process of its own. */
class KillableAgent {
  readonly #child = spawn(process.execPath, [AGENT, home.data], { stdio: ['ignore', 'pipe', 'inherit'] });
  /** dots: items that it took on */
  taken = 0;

  constructor() {
    killable.add(this);
    this.#child.stdout.on('data', (data: Buffer) => {
      this.taken += data.length;
    });
  }

  async kill(): Promise<void> {
    killable.delete(this);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }
}

describe('kill -9', () => {
  it.each([
    ['of the daemon', 6],
    ['of the agent', 6],
  ] as const)('%s at any moment: each message is answered, and none twice', async (who, rounds) => {
    let agent = new KillableAgent();
    const sent: string[] = [];
    for (let round = 0; round < rounds; round++) {
      const before = agent.taken;
      for (let i = 0; i < 4; i++) sent.push((await say(`${round}.${i}`)).id);
      // Whatever is under way at this moment: arriving, handed over, answered in part, acknowledged.
      await until('something goes on', () => agent.taken > before + (round % 3));
      if (who === 'of the daemon') {
        await home.kill();
        await home.restart();
      } else {
        await agent.kill();
        agent = new KillableAgent();
      }
    }
    await until('each is answered', async () => {
      const found = await answers();
      return sent.every((id) => found.has(id));
    });
    await until('nothing is left', async () => {
      const { waiting, handed } = await home.client.agent();
      return waiting === 0 && handed === 0;
    });
    await agent.kill();
    const found = await answers();
    for (const id of sent) {
      const bodies = (found.get(id) ?? []).map(({ body }) => body).sort();
      const attempts = new Set(bodies.map((body) => body.split('.')[0]));
      const parts = bodies.map((body) => body.split(' ')[0]?.split('.')[1]);
      // One run's answer: whole, or cut where the kill came. Never a part of another run.
      expect([attempts.size, parts]).toEqual([1, ['1', '2'].slice(0, parts.length)]);
    }
    const rows = await home.client.inbox({ limit: sent.length });
    expect(rows.every(({ state }) => state === 'answered')).toBe(true);
  });
});

describe('two agents that answer each other', () => {
  it('fall silent by themselves, and the daemon says why', async () => {
    await anna.client.allow({ identity: agentId });
    await anna.client.setWake({ channel, wake: 'mention' });
    const mine = new AgentClient(anna.data, () => ['and you?']);
    agents.push(mine);
    attach(() => ['fine, and you?']);
    await say('how are you?');
    const held = await until('one of them is held back', async () => {
      const rows = [...(await anna.client.inbox()), ...(await home.client.inbox())];
      return rows.find(({ state }) => state === 'held');
    });
    expect(held).toMatchObject({ reason: 'hops-spent', hops: 10 });
    expect((await answers()).size).toBe(5);
    await anna.client.setWake({ channel, wake: 'never' });
  });

  it('in a circle of three, each woken by everything, stop by the budget of the channel', async () => {
    const env = { MESH_TURNS_HOUR: '6', MESH_HOPS: '1000' };
    const first = await MeshProcess.start({ env });
    const peers = [first.url];
    const all = [first, await MeshProcess.start({ peers, env }), await MeshProcess.start({ peers, env })];
    const ids = await Promise.all(all.map(async (mesh) => (await mesh.client.status()).identity));
    for (const mesh of all) {
      const own = (await mesh.client.status()).identity;
      for (const identity of [annaId, ...ids]) if (identity !== own) await mesh.client.allow({ identity });
      await mesh.client.setWake({ channel: 'circle', wake: 'always' });
      agents.push(new AgentClient(mesh.data, () => ['go on']));
    }
    await first.hasLinks(2);
    await first.client.publish({ channel: 'circle', body: 'begin' });
    await until('all are silent, and have turns held back', async () => {
      const states = await Promise.all(all.map((mesh) => mesh.client.agent()));
      return states.every(({ waiting, handed, unanswered }) => waiting + handed === 0 && unanswered > 0);
    });
    for (const mesh of all) {
      const rows = await mesh.client.inbox({ limit: 1000 });
      const answered = rows.filter(({ state }) => state === 'answered');
      expect(answered.length).toBeLessThanOrEqual(12);
      expect(new Set(rows.map(({ reason }) => reason))).toEqual(new Set([null, 'budget-spent']));
      const { problems } = await mesh.client.status();
      expect(problems).toMatchObject([{ code: 'turns_spent' }]);
      await mesh.stop();
    }
  });
});
