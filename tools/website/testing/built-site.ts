/** Before the browser tests: the website with its documents, built into a folder that only they use. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { buildDocs } from '../build-docs.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..', '..');

declare module 'vitest' {
  interface ProvidedContext {
    /** the folder of the built site */
    site: string;
  }
}

/** The global setup of the project `browser`. */
export function setup(project: TestProject): () => void {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-site-'));
  const site = path.join(folder, 'website');
  const docs = path.join(ROOT, 'website', 'docs');
  fs.cpSync(path.join(ROOT, 'website'), site, { recursive: true, filter: (from) => from !== docs });
  buildDocs(ROOT, path.join(site, 'docs'));
  project.provide('site', site);
  return () => fs.rmSync(folder, { recursive: true });
}
