// `npm run build`: JavaScript for the package in dist/, because Node strips no types under node_modules.
// Whatever the sources read beside themselves (SQL, protocol descriptions) is copied.

import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, globSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const [SOURCE, TARGET] = [join(ROOT, 'src'), join(ROOT, 'dist')];
/** Documents and fixtures are for those who work on the sources. */
const NO_ASSETS = ['**/*.{ts,js}', '**/*.md', '**/fixtures/**'];

rmSync(TARGET, { recursive: true, force: true });
const compiler = spawnSync('tsc', ['--project', join(ROOT, 'tsconfig.build.json')], {
  stdio: 'inherit',
  env: { ...process.env, PATH: join(ROOT, 'node_modules/.bin') + delimiter + process.env.PATH },
});
if (compiler.status !== 0) process.exit(compiler.status ?? 1);

for (const file of globSync('**/*.*', { cwd: SOURCE, exclude: NO_ASSETS })) {
  cpSync(join(SOURCE, file), join(TARGET, file));
}
chmodSync(join(TARGET, 'cli/main.js'), 0o755);
