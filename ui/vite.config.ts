import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import vue from '@vitejs/plugin-vue'
import { defineConfig, type Plugin } from 'vite'
import { mock } from './mock/plugin.ts'

/** Adds to every module the styles of the Element Plus components that it imports by name. */
function elementStyles(): Plugin {
  const imports = /import\s*\{([^}]*)\}\s*from\s*['"]element-plus['"]/g
  return {
    name: 'element-styles',
    transform(code, id) {
      if (!id.includes('/src/') || id.includes('/node_modules/')) return undefined
      const names = [...code.matchAll(imports)].flatMap((found) => found[1]?.split(',') ?? [])
      const styles = names
        .map((name) => /^\s*El([A-Z]\w*)\s*$/.exec(name)?.[1])
        .filter((name) => name !== undefined)
        .map((name) => name.replace(/\B[A-Z]/g, '-$&').toLowerCase())
      if (styles.length === 0) return undefined
      return { code: code + styles.map((name) => `\nimport 'element-plus/es/components/${name}/style/css'`).join(''), map: null }
    },
  }
}

/** Writes `file.gz` beside every text file, so that the server sends it as it is. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    // After Vite has written into the chunks which files each of them loads.
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        for (const [name, file] of Object.entries(bundle)) {
          if (!/\.(js|css|html|svg)$/.test(name)) continue
          const source = gzipSync(file.type === 'chunk' ? file.code : file.source, { level: 9 })
          this.emitFile({ type: 'asset', fileName: `${name}.gz`, source })
        }
      },
    },
  }
}

export default defineConfig({
  plugins: [elementStyles(), vue(), compressed(), mock()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    // Browsers of 2021 and later: hospitals do not renew theirs every year.
    target: ['chrome88', 'edge88', 'firefox85', 'safari14'],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        // What several pages share comes in two files instead of thirty; charts stay on their own.
        codeSplitting: {
          groups: [
            { name: 'charts', test: /node_modules[\\/](echarts|zrender)/ },
            { name: 'vendor', test: /node_modules/, minShareCount: 2 },
            { name: 'shared', test: /[\\/]src[\\/]/, minShareCount: 2 },
          ],
        },
      },
    },
  },
})
