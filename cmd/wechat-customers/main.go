// Command wechat-customers serves the WeCom customer list: getList of the contract in
// api/openapi.yaml, on MySQL or MariaDB, or on a private MariaDB of its own where no database is
// configured.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/httpapi"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/wecom"
	"example.com/wechatcustomers/internal/writer"
)

func main() {
	unsetEmpty()
	err := run(untilTold(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	if err != nil {
		if !errors.Is(err, errReported) {
			fmt.Fprintln(os.Stderr, "wechat-customers: "+err.Error())
		}
		os.Exit(1)
	}
}

// untilTold returns a context that is done once the program is told to end: by Ctrl-C, by a service
// manager, or because its terminal closes.
func untilTold() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signal.Notify(told, syscall.SIGHUP)
	}
	go func() {
		sig := <-told
		// It then ends in order, also where the terminal has closed: that may be said twice, and nobody
		// reads the output any more. The second Ctrl-C kills.
		signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
		signal.Stop(told)
		cancel(fmt.Errorf("told to end: %v", sig))
	}()
	return ctx
}

// unsetEmpty makes an empty variable the same as none: `MAX_URL=` in a file of settings means the
// default.
func unsetEmpty() {
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); name != "" && value == "" {
			_ = os.Unsetenv(name)
		}
	}
}

// errReported is the error of a command that has said on standard output what went wrong.
var errReported = errors.New("failed")

// program is the command line. Every setting is a flag and an environment variable; nothing else
// reads the environment.
type program struct {
	logFlags
	Serve           serveCommand           `cmd:"" help:"Serve the API."`
	Migrate         migrateCommand         `cmd:"" help:"Create the tables, or bring them up to date."`
	Import          importCommand          `cmd:"" help:"Load records from newline-delimited JSON, or from saved answers of getList."`
	Copy            copyCommand            `cmd:"" help:"Copy what an installation of the original holds, once or again and again."`
	Compare         compareCommand         `cmd:"" help:"Compare the original's answers with this service's."`
	Sync            syncCommand            `cmd:"" help:"Fill the tables from WeCom, once or on a schedule; or say how far that is."`
	Demo            demoCommand            `cmd:"" help:"Load the demonstration enterprise."`
	Check           checkCommand           `cmd:"" help:"Recompute everything that is derived from the base rows and list what differs."`
	Reindex         reindexCommand         `cmd:"" help:"Make everything that is derived from the base rows right again, while others read and write."`
	Version         versionCommand         `cmd:"" help:"Print the program's version and build."`
	Licences        licencesCommand        `cmd:"" help:"Print the licences of the program and of everything in it."`
	Config          configCommand          `cmd:"" help:"Print the settings in force and where each came from."`
	Token           tokenCommand           `cmd:"" help:"Mint a token (HS256) and print it alone on standard output."`
	UpgradeDatabase upgradeDatabaseCommand `cmd:"" help:"Let a newer MariaDB or MySQL have the embedded database; there is no way back."`
}

// streams are the program's standard streams, and the log on standard error.
type streams struct {
	in       io.Reader
	out, err io.Writer
	log      *slog.Logger
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	var p program
	exited := false
	parser, err := kong.New(&p,
		kong.Name("wechat-customers"),
		kong.Description("The list of an enterprise's WeCom customers (getList), on MySQL or MariaDB.\n\nWithout DATABASE_DSN every command uses the embedded database: "+
			"a private MariaDB in DATA_DIR, started with the first command and stopped with the last."),
		kong.Writers(stdout, stderr),
		kong.UsageOnError(),
		kong.Resolvers(kong.ResolverFunc(resolveFiles)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(int) { exited = true }),
		kong.Vars{
			"wecom_url": wecom.DefaultURL,
			"data_dir":  dataDir(), "index_from": strconv.Itoa(writer.DefaultIndexFrom), "pool_size": strconv.Itoa(store.DefaultPool),
			"jwt_leeway":  fmt.Sprintf("%gs", auth.DefaultLeeway.Seconds()),
			"rate_member": rate(httpapi.DefaultRates.Member), "rate_address": rate(httpapi.DefaultRates.Address), "rate_failures": rate(httpapi.DefaultRates.Failures),
		},
	)
	if err != nil {
		return err
	}
	if len(args) == 1 && args[0] == "config" { // which says what a parse would only fail of
		return printSettings(ctx, &p, parser.Model.Node, os.Environ(), stdout, stderr)
	}
	command, err := parser.Parse(args)
	if exited {
		return nil // --help
	}
	if err != nil {
		return err
	}
	s := streams{in: stdin, out: stdout, err: stderr, log: p.logger(stderr)}
	for _, m := range misspelt(settings(parser.Model.Node), os.Environ()) {
		s.log.Warn("misspelt", "variable", m)
	}
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run(s)
}

func rate(perSecond float64) string { return strconv.FormatFloat(perSecond, 'f', -1, 64) }

// dataDir returns the folder of the embedded database where none is named: in the user's data
// folder.
func dataDir() string {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return dir + "/wechat-customers"
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ".data"
	}
	return strings.TrimSuffix(home, "/") + "/.local/share/wechat-customers"
}
