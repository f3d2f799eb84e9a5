/**
 * The skill for agents works as it is written: each command of `skills/mesh/SKILL.md` runs in its order against a real
 * daemon, which is linked with that of a stranger, and what it prints is what the page shows. Ids and times differ from run
 * to run: an id on the page stands for one id of the run throughout, a time for any.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { MESH, MeshProcess, makeFolder, runMesh } from '../blackbox/testing/mesh-process.ts';
import { within } from '../blackbox/testing/wait.ts';
import { EXIT } from './exit.ts';

const FILE = path.resolve(import.meta.dirname, '..', '..', 'skills', 'mesh', 'SKILL.md');
const PAGE = fs.readFileSync(FILE, 'utf8');
const ID = /(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])/g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

interface Step {
  readonly command: string;
  readonly code: number;
  readonly output: string;
}

/** Each block of commands with the output that stands right behind it. */
function stepsOf(page: string): Step[] {
  const blocks = [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```\n(\n?)/gm)].map(([, language, text]) => ({
    language,
    text: text ?? '',
  }));
  return blocks.flatMap(({ language, text }, i) => {
    if (language !== 'sh') return [];
    const next = blocks[i + 1];
    const code = Number(/# exit code (\d+)$/m.exec(text)?.[1] ?? 0);
    return [{ command: text, code, output: next?.language === 'json' ? next.text : '' }];
  });
}

/** A shell like that of a user who has `mesh` installed. */
class Shell {
  readonly #env: NodeJS.ProcessEnv;
  readonly #folder = makeFolder();

  constructor(dataFolder: string) {
    const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
    const script = `#!/bin/sh\nexec ${quote(process.execPath)} ${quote(MESH)} "$@"\n`;
    fs.writeFileSync(path.join(this.#folder, 'mesh'), script, { mode: 0o755 });
    const PATH = [this.#folder, process.env.PATH].join(path.delimiter);
    this.#env = { PATH, HOME: this.#folder, MESH_DATA_DIR: dataFolder, MESH_BOOTSTRAP_URL: '' };
  }

  async run(command: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', command], {
      cwd: this.#folder,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    const code = await within(
      command,
      new Promise<number | null>((resolve) => child.once('close', (status) => resolve(status))),
    );
    return { code, stdout, stderr };
  }
}

/** Ties the ids of the page to those of the run. */
class Ids {
  readonly #real = new Map<string, string>();

  /** The text of the page with the ids of the run. An id that no output has shown yet stays. */
  toRun(text: string): string {
    return text.replace(ID, (id) => this.#real.get(id) ?? id);
  }

  /** Learns what the ids of the page stand for, from an output that should be the same. */
  learn(shown: string, real: string): void {
    const reals = real.match(ID) ?? [];
    for (const [i, id] of (shown.match(ID) ?? []).entries())
      if (!this.#real.has(id) && reals[i] !== undefined) this.#real.set(id, reals[i]);
  }

  get distinct(): boolean {
    return new Set(this.#real.values()).size === this.#real.size;
  }
}

const steps = stepsOf(PAGE);
let agent: MeshProcess;
let stranger: MeshProcess;

beforeAll(async () => {
  agent = await MeshProcess.start();
  stranger = await MeshProcess.start({ peers: [agent.url] });
  await stranger.hasLinks(1);
});

/** What the stranger says when the agent is about to run a command, and how the test knows that it has come. */
async function before(command: string, ids: Ids): Promise<void> {
  const say = async (body: string, ...more: string[]) => {
    const { lastArrival } = await agent.client.status();
    await stranger.mesh('send', '#dev', body, ...more);
    await agent.mesh('wait', '#dev', '--after', `${lastArrival}`);
  };
  if (command.startsWith('mesh read')) await say('Who knows how to build this on Windows?');
  if (command.startsWith('mesh wait') && !command.includes('--timeout 0')) {
    const answered = /"id":"([^"]+)","state"/.exec(PAGE)?.[1] ?? '';
    await say('Thanks, that worked.', '--reply', ids.toRun(answered));
  }
}

describe('the skill', () => {
  it('has the frontmatter that OpenClaw reads', () => {
    const [, head = ''] = /^---\n([\s\S]*?)\n---\n/.exec(PAGE) ?? [];
    const fields = new Map(
      head.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]),
    );
    expect(fields.get('name')).toBe(path.basename(path.dirname(FILE)));
    expect(fields.get('description')?.length).toBeGreaterThan(80);
    expect(fields.get('description')?.length).toBeLessThanOrEqual(1024);
    expect(fields.get('description')).not.toMatch(/[<>]|: /);
    expect(JSON.parse(fields.get('metadata') ?? '')).toEqual({ openclaw: { requires: { bins: ['mesh'] } } });
  });

  it('has only commands and their outputs in its blocks', () => {
    const languages = [...PAGE.matchAll(/^```(\w+)$/gm)].map((match) => match[1]);
    expect(new Set(languages)).toEqual(new Set(['sh', 'json']));
    expect(steps.length).toBeGreaterThanOrEqual(8);
    expect(steps.filter(({ output }) => output !== '').length).toBe(
      languages.filter((language) => language === 'json').length,
    );
  });

  it('works command by command, and prints what it shows', async () => {
    const shell = new Shell(agent.data);
    const ids = new Ids();
    for (const { command, code, output } of steps) {
      await before(command, ids);
      const result = await shell.run(ids.toRun(command));
      expect(result.code, `${command}\n${result.stderr}`).toBe(code);
      expect(result.stderr, command).toBe('');
      ids.learn(output, result.stdout);
      expect(result.stdout.replace(TIME, 'TIME'), command).toBe(ids.toRun(output).replace(TIME, 'TIME'));
    }
    expect(ids.distinct).toBe(true);
  });

  it('is right that the same command with the same key sends one message', async () => {
    const shell = new Shell(agent.data);
    const { id } = await agent.client.publish({ channel: '#dev', body: 'answer me' });
    const command = steps.find((step) => step.command.includes('--idempotency-key'))?.command ?? '';
    const send = async () => {
      const { stdout } = await shell.run(command.replace(ID, id).replace('answer-1', 'answer-2'));
      return (JSON.parse(stdout) as { id: string }).id;
    };
    expect(await send()).toBe(await send());
  });

  it('is right about the exit codes', async () => {
    const codes = [...PAGE.matchAll(/^\| (\d) \|/gm)].map((match) => Number(match[1]));
    expect(codes).toEqual(Object.values(EXIT));
    const data = ['--data', agent.data];
    const ends = async (...args: string[]) => (await runMesh(args)).code;
    expect(await ends('read', '#dev', '--before', 'x'.repeat(43), ...data)).toBe(EXIT.failure);
    expect(await ends('read', '#dev', '--limit', 'many', ...data)).toBe(EXIT.usage);
    expect(await ends('id', '--data', makeFolder())).toBe(EXIT.noDaemon);
    expect(await ends('wait', '#dev', '--timeout', '0', ...data)).toBe(EXIT.waitTimeout);
  });
});
