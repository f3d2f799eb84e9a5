/** `mesh openclaw setup`: installs the plugin into OpenClaw and points it at this daemon. */
import fs from 'node:fs';
import path from 'node:path';
import { idFromText, MeshError } from '../../api/client/index.ts';
import type { CommandContext } from '../command.ts';
import { withClient } from '../connect.ts';
import { UsageError } from '../exit.ts';
import { print } from '../print.ts';
import { jsonLine } from '../text.ts';
import { commandLine, runProgram } from './program.ts';

export interface SetupOptions {
  /** name or path of the program */
  readonly openclaw: string;
  /** identity that may run commands of the gateway; undefined for nobody on the mesh */
  readonly owner: string | undefined;
  /** only say what would be run */
  readonly isDry: boolean;
}

/** The built plugin: beside the compiled code in a package, made by `npm run build` in a checkout. */
export function pluginFolder(root = path.resolve(import.meta.dirname, '..', '..', '..')): string {
  return path.join(root, 'dist', 'openclaw-plugin');
}

function requirePlugin(folder: string): void {
  if (fs.existsSync(path.join(folder, 'openclaw.plugin.json'))) return;
  const what = `The plugin is not built: there is no folder ${folder}. In a checkout, "npm run build" makes it.`;
  throw new MeshError('openclaw_failed', what);
}

/** The commands, in their order. */
function commandsOf({ owner }: SetupOptions, plugin: string, dataFolder: string): string[][] {
  const named = owner === undefined ? [] : ['--owner', owner];
  return [
    ['plugins', 'install', plugin, '--force', '--accept-capabilities'],
    ['channels', 'add', '--channel', 'mesh', '--data-folder', dataFolder, ...named],
  ];
}

const NEXT = [
  'Say who may wake the agent, and where:',
  '  mesh allow IDENTITY --name NAME',
  "  mesh wake '#dev'",
  'Then start the gateway again, and look whether it is attached:',
  '  mesh openclaw status',
];

export async function setUpOpenClaw(options: SetupOptions, context: CommandContext): Promise<undefined> {
  const { openclaw, owner, isDry } = options;
  if (owner !== undefined && idFromText(owner) === undefined)
    throw new UsageError('--owner must be an identity: "mesh id" of that person shows it.', {
      help: 'mesh openclaw --help',
    });
  const plugin = pluginFolder();
  return withClient(context, async (client) => {
    const { identity, identities } = await client.status();
    if (owner !== undefined && identities.includes(owner))
      throw new MeshError(
        'bad_request',
        '--owner is the identity of this daemon, which is the agent itself.',
      );
    const commands = commandsOf(options, plugin, client.daemon.dataFolder);
    if (!isDry) {
      requirePlugin(plugin);
      for (const args of commands) await runProgram(context, openclaw, args);
      if (owner !== undefined) await client.allow({ identity: owner });
    }
    const lines = commands.map((args) => commandLine(openclaw, args));
    const { io, global } = context;
    if (global.json) await print(io, jsonLine({ identity, plugin, commands: lines, done: !isDry }));
    else if (isDry) for (const line of lines) await print(io, line);
    else {
      await print(io, `OpenClaw speaks through this daemon now, as ${identity}.`);
      for (const line of NEXT) await print(io, line);
    }
    return undefined;
  });
}
