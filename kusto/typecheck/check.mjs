// SPDX-License-Identifier: Apache-2.0

// Checks every query that is sent, in the file given, with the language service of Kusto against the documented columns
// of the tables: names, types, and no diagnostics at all.
//
//   node check.mjs QUERIES TABLES

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
require('@kusto/language-service-next/bridge.min.js');
require('@kusto/language-service-next/Kusto.Language.Bridge.min.js');
const { KustoCode, GlobalState, Symbols } = Kusto.Language;

// GUIDs of AzureDiagnostics are of type string here, as their columns may be absent.
function tables(file) {
  const columns = new Map();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [table, column, type] = line.split('\t');
    if (!type || table === 'table') continue;
    if (!columns.has(table)) columns.set(table, []);
    columns.get(table).push(`['${column}']: ${type}`);
  }
  return [...columns].map(([name, list]) => Symbols.TableSymbol.From(`(${list.join(', ')})`).WithName(name));
}

function diagnostics(text, globals) {
  const list = KustoCode.ParseAndAnalyze(text, globals).GetDiagnostics();
  return Array.from({ length: list.Count }, (_, i) => list.getItem(i));
}

const [queries, schema] = process.argv.slice(2);
const list = tables(schema);
const database = new Symbols.DatabaseSymbol.$ctor1('logs', list);
const globals = GlobalState.Default.WithDatabase(database);

// What must be found: a check that finds nothing in these finds nothing at all.
const wrong = [
  'AzureActivity | where NoSuchColumn == 1', 'NoSuchTable | count', 'AzureActivity | where TimeGenerated > "x" + 1',
  'AzureActivity | summarize by', 'AzureActivity | extend x = nosuch(Caller)',
];
let failed = 0;
for (const text of wrong) {
  if (diagnostics(text, globals).length === 0) {
    console.error(`nothing is found wrong with: ${text}`);
    failed++;
  }
}
let checked = 0;
for (const text of readFileSync(queries, 'utf8').split(/^\/\/ .*\n/m).map((q) => q.trim()).filter(Boolean)) {
  checked++;
  for (const d of diagnostics(text, globals)) {
    failed++;
    const line = text.slice(0, d.Start).split('\n').length;
    console.error(`${text.split('\n')[0]}, line ${line}: ${d.Code} ${d.Message}: ${text.slice(d.Start, d.Start + d.Length)}`);
  }
}
console.log(`${checked} queries over ${list.length} tables checked, ${failed} diagnostics`);
process.exit(failed > 0 || checked === 0 ? 1 : 0);
