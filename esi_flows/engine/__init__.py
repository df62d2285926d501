"""JobGroup to TaskFlow graph flow, run with TaskFlow's parallel engine over a persistence backend on etcd."""
