/** Traces by OpenTelemetry. Its SDK is loaded only where the standard variables ask for it; without it spans cost nothing. */
import { context, propagation, trace } from '@opentelemetry/api'

type Environment = Readonly<Record<string, string | undefined>>

/** What is told to whoever configured it; no secret is in it. */
class TracingError extends Error {
  override readonly name = 'TracingError'
}

/** Whether the environment asks for traces (OpenTelemetry, SDK environment variables and OTLP exporter specifications). */
function wanted(env: Environment): boolean {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return false
  const exporter = env.OTEL_TRACES_EXPORTER ?? ''
  if (!['', 'otlp', 'none'].includes(exporter))
    throw new TracingError('OTEL_TRACES_EXPORTER is neither otlp nor none; no other exporter is built in')
  if (exporter === 'none') return false
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? env.OTEL_EXPORTER_OTLP_ENDPOINT ?? ''
  if (exporter === '' && endpoint === '') return false
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? env.OTEL_EXPORTER_OTLP_PROTOCOL ?? ''
  if (!['', 'http/json'].includes(protocol))
    throw new TracingError('Traces are sent as http/json only: OTEL_EXPORTER_OTLP_PROTOCOL says otherwise')
  return true
}

/**
 * Registers an SDK that sends spans by OTLP over HTTP, in JSON. Endpoint, headers, time-outs, resource attributes and sampling
 * come from the standard OTEL_… variables.
 * @returns what sends the last spans and ends it; undefined where nothing asks for traces
 * @throws TracingError where what is asked for is not there
 */
export async function startTracing(env: Environment): Promise<{ stop(): Promise<void> } | undefined> {
  if (!wanted(env)) return undefined
  const [sdk, { OTLPTraceExporter }, { AsyncLocalStorageContextManager }, core, resources] =
    await Promise.all([
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/context-async-hooks'),
      import('@opentelemetry/core'),
      import('@opentelemetry/resources'),
    ])
  const { AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, TraceIdRatioBasedSampler } = sdk
  const share = Number(env.OTEL_TRACES_SAMPLER_ARG ?? '1')
  const ratio = () => new TraceIdRatioBasedSampler(share)
  const samplers = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: ratio,
    parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
    parentbased_traceidratio: () => new ParentBasedSampler({ root: ratio() }),
  }
  const sampler = samplers[(env.OTEL_TRACES_SAMPLER ?? 'parentbased_always_on') as keyof typeof samplers]
  if (!sampler) throw new TracingError(`OTEL_TRACES_SAMPLER is none of ${Object.keys(samplers).join(', ')}`)

  const provider = new sdk.TracerProvider({
    sampler: sampler(),
    // The environment's own words alone: detectors of host and process would tell command lines and users.
    resource: resources
      .resourceFromAttributes({ 'service.name': 'wayleave-broker' })
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: new OTLPTraceExporter(),
        ...(env.OTEL_BSP_SCHEDULE_DELAY ? { scheduledDelayMillis: Number(env.OTEL_BSP_SCHEDULE_DELAY) } : {}),
      }),
    ],
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
  propagation.setGlobalPropagator(new core.W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(provider)
  return { stop: () => provider.shutdown() }
}
