/** Filters, sorts and adds up as the server does, on a few thousand made-up rows. */
type Row = Record<string, unknown>
interface Filter {
  column: string
  op: string
  value: unknown
}

const tests: Record<string, (value: unknown, wanted: unknown) => boolean> = {
  is: (value, wanted) => value === wanted,
  in: (value, wanted) => (wanted as unknown[]).includes(value),
  contains: (value, wanted) => String(value).includes(String(wanted)),
  from: (value, wanted) => value !== null && (value as number) >= (wanted as number),
  to: (value, wanted) => value !== null && (value as number) <= (wanted as number),
  null: (value) => value === null,
  not_null: (value) => value !== null,
}

export function page(all: Row[], wanted: Row): unknown {
  const filters = (wanted['filters'] ?? []) as Filter[]
  const sort = (wanted['sort'] ?? []) as { column: string; descending: boolean }[]
  const offset = Number(wanted['offset'] ?? 0)
  const found = all.filter((row) => filters.every(({ column, op, value }) => tests[op]?.(row[column], value)))
  found.sort((one, other) => {
    for (const { column, descending } of sort) {
      const [left, right] = [one[column] as number, other[column] as number]
      if (left !== right) return (left < right ? -1 : 1) * (descending ? -1 : 1)
    }
    return 0
  })
  const add = (column: string) => found.reduce((sum, row) => sum + (row[column] as number), 0)
  return {
    rows: found.slice(offset, offset + Number(wanted['limit'] ?? 100)),
    total: found.length,
    sums: { fee_fen: add('fee_fen'), standard_fen: add('standard_fen'), result_fen: add('result_fen') },
    notes: ['口径：医保DRG；按结算日期归月。结算差额 = 支付标准 − 医疗总费用，正数归医院。'],
    simulated: true,
  }
}
