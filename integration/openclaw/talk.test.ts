/**
 * Two people's agents, each in a gateway and on a daemon of its own, talk in an open channel.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MessageJson } from '../../src/api/client/index.ts';
import { until } from '../../src/blackbox/testing/wait.ts';
import { GATEWAY_PATIENCE_MS, Gateway } from './harness/gateway.ts';
import { FakeModel } from './harness/model.ts';
import { markOf, Person } from './harness/person.ts';
import { addMesh } from './harness/plugin.ts';

const CHANNEL = '#our-agents';

interface Agent {
  readonly owner: Person;
  readonly gateway: Gateway;
  readonly model: FakeModel;
}

let ann: Agent;
let bob: Agent;
/** a friend of Ann's, who begins */
let carol: Person;

async function startAgent(owner: Person): Promise<Agent> {
  const model = await FakeModel.start();
  const gateway = await Gateway.create(model);
  await addMesh(gateway, owner.mesh.data);
  await owner.mesh.client.setWake({ channel: CHANNEL, wake: 'mention' });
  await gateway.start();
  return { owner, gateway, model };
}

beforeAll(async () => {
  const first = await Person.start();
  const second = await Person.start({ peers: [first.mesh.url] });
  carol = await Person.start({ peers: [first.mesh.url] });
  await first.mesh.client.allow({ identity: second.identity, name: 'bob' });
  await first.mesh.client.allow({ identity: carol.identity, name: 'carol' });
  await second.mesh.client.allow({ identity: first.identity, name: 'ann' });
  await carol.mesh.client.join(CHANNEL);
  // One after the other: a start fills both cores.
  ann = await startAgent(first);
  bob = await startAgent(second);
});

afterAll(async () => {
  for (const agent of [ann, bob]) {
    await agent?.gateway.kill();
    agent?.model.stop();
  }
});

function hopsOf(message: MessageJson): number {
  const mark = markOf(message);
  return typeof mark === 'object' && mark !== null && 'hops' in mark ? Number(mark.hops) : 0;
}

/** What lies in the inboxes of both agents. */
async function inboxes() {
  return (await Promise.all([ann, bob].map(({ owner }) => owner.mesh.client.inbox({ limit: 100 })))).flat();
}

/** What both agents have said, as Carol sees it. */
async function talk(): Promise<readonly MessageJson[]> {
  const agents = [ann.owner.identity, bob.owner.identity];
  return (await carol.mesh.read(CHANNEL)).filter(({ author }) => agents.includes(author));
}

describe('two agents', () => {
  it('hear each other, and know that an agent speaks', async () => {
    const call = { channel: CHANNEL, text: 'SAY[good day to you]', mentions: [bob.owner.identity] };
    await carol.say(CHANNEL, `CALL[mesh_send ${JSON.stringify(call)}]`, ann.owner.identity);
    const asked = await carol.reads(CHANNEL, 'SAY[good day to you]');
    expect(asked.author).toBe(ann.owner.identity);
    const [answer] = await carol.answered({ id: asked.id, channel: CHANNEL });
    expect(answer).toMatchObject({ body: 'good day to you', author: bob.owner.identity });
    const [request] = bob.model.asked('good day to you');
    expect(request?.text).toContain('> SAY[good day to you]');
    expect(request?.text).toContain('\\"name\\":\\"ann\\"');
    expect(request?.text).toContain('\\"is_bot\\":true');
  });

  it('fall silent by themselves', async () => {
    const held = async () =>
      (await inboxes()).find(({ state, reason }) => state === 'held' && reason === 'hops-spent');
    await until('an answer is held', held, GATEWAY_PATIENCE_MS);
    const { hops } = (await ann.owner.mesh.client.agent()).budget;
    const said = await talk();
    expect(Math.max(...said.map(hopsOf))).toBeLessThanOrEqual(hops + 1);
    // What Ann's agent told Carol, what it said to Bob's, and the answers after that.
    expect(said.length).toBeLessThanOrEqual(hops + 2);
    await until('nothing is left to do', async () => {
      const rows = await inboxes();
      return rows.every(({ state }) => state !== 'waiting' && state !== 'handed');
    });
    expect((await talk()).length).toBe(said.length);
  });
});
