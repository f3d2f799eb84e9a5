/**
 * Where the data of a daemon lies. One rule for the daemon and for each command, so that a command finds its daemon by
 * the folder alone.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface DataFolderOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** value of `--data`; undefined or empty if it was not given */
  readonly flag: string | undefined;
  /** this platform if left out */
  readonly platform?: NodeJS.Platform;
  /** home folder of the user; the system's answer if left out */
  readonly home?: string;
}

const PACKAGE_NAME = 'openclaw-messaging';

function isCheckout(folder: string): boolean {
  try {
    const text = fs.readFileSync(path.join(folder, 'package.json'), 'utf8');
    const parsed: unknown = JSON.parse(text);
    const named =
      typeof parsed === 'object' && parsed !== null && 'name' in parsed && parsed.name === PACKAGE_NAME;
    return named && fs.statSync(path.join(folder, 'src')).isDirectory();
  } catch {
    return false; // no package.json, or one of somebody else that cannot be read: not our checkout either way
  }
}

/** The checkout of this project that `cwd` lies in, or undefined. An installed package has no `src` and is none. */
function findCheckout(cwd: string): string | undefined {
  let folder = path.resolve(cwd);
  for (;;) {
    if (isCheckout(folder)) return folder;
    const parent = path.dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
}

/** `text`, or undefined if it is empty: an empty variable means the same as none. */
function given(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

function userDataFolder(options: DataFolderOptions, home: string): string {
  const { env } = options;
  switch (options.platform ?? process.platform) {
    case 'win32':
      return path.join(given(env.LOCALAPPDATA) ?? path.join(home, 'AppData', 'Local'), PACKAGE_NAME);
    case 'darwin':
      return path.join(home, 'Library', 'Application Support', PACKAGE_NAME);
    default: {
      // The XDG specification: a relative path is invalid and ignored.
      const xdg = given(env.XDG_DATA_HOME);
      const base = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(home, '.local', 'share');
      return path.join(base, PACKAGE_NAME);
    }
  }
}

/**
 * The absolute path of the data folder: `--data`, else `MESH_DATA_DIR`, else `data` in the checkout that `cwd` lies
 * in, else the platform's user data folder. Creates nothing. A leading `~/` is the home folder, because shells do not
 * expand it in `--data=~/x` or in `.env`.
 */
export function resolveDataFolder(options: DataFolderOptions): string {
  const home = options.home ?? os.homedir();
  const set = given(options.flag) ?? given(options.env.MESH_DATA_DIR);
  if (set !== undefined) {
    const expanded = set === '~' || /^~[/\\]/.test(set) ? path.join(home, set.slice(1)) : set;
    return path.resolve(options.cwd, expanded);
  }
  const checkout = findCheckout(options.cwd);
  return checkout === undefined ? userDataFolder(options, home) : path.join(checkout, 'data');
}
