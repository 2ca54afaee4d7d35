/** How far a role sees, in words, and moments as people write them. */
export const REACHES: Record<string, string> = {
  region: '全统筹区',
  hospital: '本机构',
  department: '本科室',
  doctor: '本人的病例',
  cases: '指定的病例',
}

const two = (value: number): string => String(value).padStart(2, '0')

export function dayOf(moment: string): string {
  const at = new Date(moment)
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

export function timeOf(moment: string): string {
  const at = new Date(moment)
  return `${dayOf(moment)} ${two(at.getHours())}:${two(at.getMinutes())}`
}
