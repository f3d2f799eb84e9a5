/**
 * The `mesh` command: finds the command, runs it, and turns how it ended into words and an exit code.
 */
import { loadEnvFile, resolveDataFolder } from '../api/client/index.ts';
import type { Chosen } from './command.ts';
import { EXIT, exitCodeOf } from './exit.ts';
import { type CliIo, processIo } from './io.ts';
import { parseArguments } from './parser.ts';
import { flush, print } from './print.ts';
import { reportError } from './report.ts';

async function runChosen(chosen: Chosen, io: CliIo): Promise<number> {
  try {
    loadEnvFile(io.cwd, io.env);
    const dataFolder = resolveDataFolder({ cwd: io.cwd, env: io.env, flag: chosen.global.data });
    const code = await chosen.run({ io, global: chosen.global, dataFolder });
    await flush(io);
    return code ?? EXIT.ok;
  } catch (error) {
    reportError(io, error, { json: chosen.global.json, help: `mesh ${chosen.name} --help` });
    return exitCodeOf(error);
  }
}

/** Runs a command line and gives the exit code. Never throws. */
export async function runCommandLine(argv: readonly string[], io: CliIo): Promise<number> {
  try {
    const parsed = await parseArguments(argv);
    if ('run' in parsed) return await runChosen(parsed, io);
    await print(io, parsed.text);
    await flush(io);
    return EXIT.ok;
  } catch (error) {
    reportError(io, error, { json: argv.includes('--json') });
    return exitCodeOf(error);
  }
}

/** What `bin/mesh.mjs` calls. Sets the exit code and lets the process end by itself. */
export async function run(argv: string[]): Promise<void> {
  process.exitCode = await runCommandLine(argv, processIo());
}
