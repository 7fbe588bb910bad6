package configs

// Log is the `log` section. The log goes to standard error.
type Log struct {
	// Level is the least important level that is written: debug, info, warn or error. Default info.
	Level string `yaml:"level" oneof:"debug info warn error"`
	// Format is json (one object per line) or text. Default json.
	Format string `yaml:"format" oneof:"json text"`
	// Access says which requests get an access-log line: off, sampled or all. Default off.
	Access string `yaml:"access" oneof:"off sampled all"`
}
