// Lints the OpenAPI document given as the argument with redocly's recommended rules; exits 1 on any finding, warnings included.
// openapi-typescript brings redocly's core along already, so the command-line program around it need not be installed too.
const path = require('node:path')
const { createRequire } = require('node:module')

const { createConfig, formatProblems, getTotals, lint } = createRequire(path.resolve('api/ts/package.json'))('@redocly/openapi-core')

async function main(ref) {
  const config = await createConfig({ extends: ['recommended'] })
  const problems = await lint({ ref, config })
  formatProblems(problems, { format: 'codeframe', totals: getTotals(problems) })
  console.log(`${ref}: ${problems.length} findings by redocly's recommended rules`)
  process.exitCode = problems.length ? 1 : 0
}

main(process.argv[2])
