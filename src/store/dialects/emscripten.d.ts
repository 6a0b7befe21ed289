// PGlite's declarations name these globals of Emscripten without declaring them. We use none of what is behind them.
declare namespace Emscripten {
  type FileSystemType = object
}
declare const FS: object
interface EmscriptenModule {
  preInit: unknown
  preRun: unknown
  postRun: unknown
}
