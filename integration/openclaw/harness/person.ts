/**
 * Somebody on the mesh with a daemon of their own, seen through its API.
 */
import type { MessageJson } from '../../../src/api/client/index.ts';
import { type MeshOptions, MeshProcess } from '../../../src/blackbox/testing/mesh-process.ts';
import { until } from '../../../src/blackbox/testing/wait.ts';
import { GATEWAY_PATIENCE_MS } from './gateway.ts';

export interface Said {
  readonly id: string;
  readonly channel: string;
}

/** What the daemon adds to the payload of what an agent says. */
export function markOf({ payload }: MessageJson): unknown {
  return typeof payload === 'object' && payload !== null && 'mesh' in payload ? payload.mesh : undefined;
}

export class Person {
  readonly mesh: MeshProcess;
  readonly identity: string;

  private constructor(mesh: MeshProcess, identity: string) {
    this.mesh = mesh;
    this.identity = identity;
  }

  static async start(options: MeshOptions = {}): Promise<Person> {
    const mesh = await MeshProcess.start(options);
    return new Person(mesh, (await mesh.client.status()).identity);
  }

  /** Says something in a channel, for some identities or for nobody. */
  async say(channel: string, body: string, ...mentions: string[]): Promise<Said> {
    await this.mesh.client.join(channel);
    const sent = await this.mesh.client.publish({ channel, body, ...(mentions.length > 0 && { mentions }) });
    return { id: sent.id, channel };
  }

  /** What has come here that answers a message, in the order of time. */
  async answersTo({ id, channel }: Said): Promise<readonly MessageJson[]> {
    const all = await this.mesh.read(channel);
    return all.filter(({ refs }) => refs.some((ref) => ref.relation === 'reply' && ref.id === id));
  }

  /** The same, once there are at least so many. */
  answered(said: Said, atLeast = 1): Promise<readonly MessageJson[]> {
    const look = async () => {
      const answers = await this.answersTo(said);
      return answers.length >= atLeast && answers;
    };
    return until(`${atLeast} answers to ${said.id} in ${said.channel}`, look, GATEWAY_PATIENCE_MS);
  }

  /** A message with this text, once it has come here. */
  async reads(channel: string, body: string): Promise<MessageJson> {
    const look = async () => (await this.mesh.read(channel)).find((message) => message.body === body);
    return until(`"${body}" in ${channel}`, look, GATEWAY_PATIENCE_MS);
  }

  /** The row of a message in the inbox of this person's agent, once it has one of these states. */
  async settled({ id }: Said, ...states: string[]) {
    const look = async () => {
      const row = (await this.mesh.client.inbox({ limit: 100 })).find((each) => each.id === id);
      return row !== undefined && states.includes(row.state) && row;
    };
    return until(`${id} is ${states.join(' or ')}`, look, GATEWAY_PATIENCE_MS);
  }
}
