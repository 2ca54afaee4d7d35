/** The lines of a definition as people read them; what a figure does not have is left out. */
import type { Answer } from '@/api/client'

type Definition = Answer<'/api/v1/cockpit/figures', 'get'>['settlement'][number]['definition']

export const definitionOf = (known: Definition): [string, string][] =>
  [
    ['算法', known.form],
    ['口径', known.population],
    ['期间', known.period],
    ['权重版本', known.weight_edition],
    ['基准', known.benchmark],
    ['依据', known.reference],
    ['说明', known.simulated ? '含未经来源确认的假定值，按模拟看待' : ''],
  ].filter((line): line is [string, string] => Boolean(line[1]))
