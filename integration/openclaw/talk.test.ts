/**
 * Two people's agents, each in a gateway and on a daemon of its own, talk in an open channel.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MessageJson } from '../../src/api/client/index.ts';
import { until } from '../../src/blackbox/testing/wait.ts';
import { GATEWAY_PATIENCE_MS, Gateway } from './harness/gateway.ts';
import { BEGIN, follow, SETUP } from './harness/guide.ts';
import { FakeModel } from './harness/model.ts';
import { markOf, Person } from './harness/person.ts';

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

/** A person's agent on the mesh, by the commands of the guide. */
async function startAgent(owner: Person, friend: Person): Promise<Agent> {
  const model = await FakeModel.start();
  const gateway = await Gateway.create(model);
  const agent = { owner, gateway, model };
  await follow(SETUP, agent, friend.identity);
  gateway.allowOnlyMesh();
  await gateway.start();
  return agent;
}

beforeAll(async () => {
  const first = await Person.start();
  const second = await Person.start({ peers: [first.mesh.url] });
  carol = await Person.start({ peers: [first.mesh.url] });
  await first.mesh.client.allow({ identity: carol.identity, name: 'carol' });
  await carol.mesh.client.join(CHANNEL);
  // One after the other: a start fills both cores.
  ann = await startAgent(first, second);
  bob = await startAgent(second, first);
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

/** What both agents owe, once it is nothing. */
async function atRest(): Promise<void> {
  await until(
    'nothing is left to do',
    async () => (await inboxes()).every(({ state }) => state !== 'waiting' && state !== 'handed'),
    GATEWAY_PATIENCE_MS,
  );
}

const keyOf = ({ identity, number }: { readonly identity: string; readonly number: number }): string =>
  `${identity} ${number}`;

/** Resolves when a message for one of the agents was held back for this reason, and is none of the known ones. */
function heldBack(reason: string, known: ReadonlySet<string>): Promise<unknown> {
  const look = async () =>
    (await inboxes()).find((row) => row.state === 'held' && row.reason === reason && !known.has(keyOf(row)));
  return until(`a message is held back: ${reason}`, look, GATEWAY_PATIENCE_MS);
}

describe('after the steps of the guide', () => {
  it('daemon and gateway say the same', async () => {
    for (const { owner, gateway } of [ann, bob]) {
      const [agent] = (await owner.mesh.mesh('openclaw', 'status')) as [{ client: { name: string } | null }];
      expect(agent).toMatchObject({
        identity: owner.identity,
        client: { name: 'openclaw' },
        channels: [{ channel: CHANNEL, wake: 'mention', names: ['robo'] }],
      });
      expect(await gateway.meshStatus()).toMatchObject({
        connected: true,
        probe: { ok: true, identity: owner.identity },
      });
    }
  });
});

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
    expect(request?.text).toContain('\\"name\\":\\"friend\\"');
    expect(request?.text).toContain('\\"is_bot\\":true');
  });

  it('fall silent by themselves', async () => {
    await heldBack('hops-spent', new Set());
    await atRest();
    const known = new Set((await inboxes()).map(keyOf));
    const before = new Set((await talk()).map(({ id }) => id));
    await follow(BEGIN, ann, bob.owner.identity);
    await heldBack('hops-spent', known);
    const { hops } = (await ann.owner.mesh.client.agent()).budget;
    // Ann's own words, and then each answer counts one more, until nobody answers any more.
    const said = await until(
      'Carol has all of it',
      async () => {
        const fresh = (await talk()).filter(({ id }) => !before.has(id)).map(hopsOf);
        return fresh.includes(hops) && fresh;
      },
      GATEWAY_PATIENCE_MS,
    );
    expect(said).toEqual(Array.from({ length: hops + 1 }, (_, i) => i));
  });

  it('are stopped by the budget where nobody counts, also after everything was started again', async () => {
    const env = { MESH_HOPS: '1000', MESH_TURNS_HOUR: '20' };
    for (const { owner } of [ann, bob]) await owner.mesh.kill();
    await ann.owner.mesh.restart({ env });
    await bob.owner.mesh.restart({ env, peers: [ann.owner.mesh.url] });
    await follow(BEGIN, ann, bob.owner.identity);
    await heldBack('budget-spent', new Set());
    await atRest();
    for (const { owner } of [ann, bob]) {
      const rows = await owner.mesh.client.inbox({ limit: 1000 });
      const turns = rows.filter(({ state, name }) => state !== 'held' && name === 'friend');
      expect(turns.length).toBeLessThanOrEqual(20);
    }
    // Whose agent was held back has spent its hour: neither a new gateway nor a new daemon gives it another one.
    const spent = (await ann.owner.mesh.client.inbox({ limit: 1000 })).some(
      ({ reason }) => reason === 'budget-spent',
    )
      ? { agent: ann, other: bob }
      : { agent: bob, other: ann };
    await spent.agent.gateway.kill();
    await until('the daemon says that nobody is attached', async () => {
      const [agent] = (await spent.agent.owner.mesh.mesh('openclaw', 'status')) as [{ client: unknown }];
      return agent.client === null;
    });
    await spent.agent.owner.mesh.kill();
    await spent.agent.owner.mesh.restart();
    await spent.agent.gateway.start();
    const asked = spent.agent.model.requests.length;
    const said = await spent.other.owner.say(CHANNEL, 'SAY[once more]', spent.agent.owner.identity);
    expect(await spent.agent.owner.settled(said, 'held')).toMatchObject({ reason: 'budget-spent' });
    expect(spent.agent.model.requests).toHaveLength(asked);
    const { problems } = await spent.agent.owner.mesh.client.status();
    expect(problems).toMatchObject([{ code: 'turns_spent' }]);
  });
});
