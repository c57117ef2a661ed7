use super::*;

struct Vars<'a>(Vec<(&'static str, &'a str)>);

impl Environment for Vars<'_> {
    fn vars(&self) -> Vec<(OsString, OsString)> {
        self.0.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }
}

fn load(vars: &[(&'static str, &str)]) -> Result<Config, Vec<String>> {
    Config::load(&Overrides::default(), &Vars(vars.to_vec())).map_err(|error| error.0)
}

fn load_file(text: &str) -> Result<Config, Vec<String>> {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("spark.toml");
    std::fs::write(&file, text).expect("written");
    Config::load(&Overrides { file: Some(file), ..Overrides::default() }, &Vars(Vec::new()))
        .map_err(|error| error.0)
}

#[test]
fn the_embedded_defaults_are_sound() {
    let config = Config::defaults().expect("sound");
    assert_eq!(config.addr.to_string(), "127.0.0.1:8080");
    assert_eq!(config.live.queue_capacity, 128);
    assert_eq!(config.live.heartbeat, Duration::from_secs(15));
    assert_eq!(config.limits.subscriptions, 100);
    assert!(config.market.data_dir.is_none() && config.allowed_origins.is_empty());
}

#[test]
fn every_setting_names_its_variable_and_default_in_the_file() {
    for key in layers::known_keys() {
        let variable = layers::variable(&key);
        let name = key.rsplit('.').next().expect("a name");
        let (documentation, _) = DEFAULTS.split_once(&format!("\n{name} = ")).expect("it is set in the file");
        let comment = documentation.rsplit("\n\n").next().expect("a comment");
        assert!(comment.contains(&format!("# {variable}")), "{key}: {comment}");
        assert!(comment.contains("Default "), "{key}: {comment}");
    }
}

#[test]
fn the_environment_overrides_the_file_and_the_command_line_both() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("spark.toml");
    std::fs::write(&file, "[market]\nreplay_speed = 2\n[live]\ncoalesce_ms = 5\n[limits]\nsubscriptions = 7")
        .expect("written");
    let settings = vec![("limits.subscriptions", "--subscriptions", "9".to_owned())];
    let vars = Vars(vec![("SPARK_REPLAY_SPEED", "4"), ("SPARK_LIMITS_SUBSCRIPTIONS", "8")]);
    let config = Config::load(&Overrides { settings, file: Some(file) }, &vars).expect("sound");
    assert_eq!(config.market.replay_speed.to_string(), "4");
    assert_eq!(config.live.coalesce, Duration::from_millis(5));
    assert_eq!(config.limits.subscriptions, 9);
}

#[test]
fn every_mistake_is_told_at_once_by_name() {
    let mistakes = load(&[
        ("SPARK_ADDR", "nowhere"),
        ("SPARK_SOURCE", "moon"),
        ("SPARK_REPLAY_SPEED", "NaN"),
        ("SPARK_LIVE_QUEUE_CAPACITY", "201"),
        ("SPARK_ALLOWED_ORIGINS", "https://a.example,null"),
        ("SPARK_LOG", "a=b=c"),
        ("SPARK_ADR", "127.0.0.1:1"),
        ("HOME", "/root"),
    ])
    .expect_err("mistakes");
    let expected = [
        r#"SPARK_ADR: unknown setting; did you mean SPARK_ADDR?"#,
        r#"SPARK_ADDR: "nowhere" is not an address and port such as 127.0.0.1:8080"#,
        r#"SPARK_LOG: "a=b=c" is not a log filter such as info"#,
        r#"SPARK_ALLOWED_ORIGINS: "null" is not an origin such as https://app.example.org"#,
        r#"SPARK_SOURCE: "moon" is not one of: replay, synthetic, binance, coinbase, kraken"#,
        r#"SPARK_REPLAY_SPEED: "NaN" is not a number from 0.01 to 1000"#,
        r#"SPARK_LIVE_QUEUE_CAPACITY: "201" is not a whole number from 16 to 200"#,
    ];
    assert_eq!(mistakes, expected);
}

#[test]
fn mistakes_in_a_file_name_the_file_and_the_key() {
    let mistakes = load_file(
        "adr = 'x'\nshutdown_ms = 'soon'\n[live]\nheartbeat_ms = 1.5\nhearbeat_ms = 1\n[other]\nx = 1",
    )
    .expect_err("mistakes");
    let places: Vec<&str> = mistakes.iter().filter_map(|text| text.split("spark.toml: ").nth(1)).collect();
    let expected = [
        "adr: unknown setting; did you mean addr?",
        "live.hearbeat_ms: unknown setting; did you mean live.heartbeat_ms?",
        "other.x: unknown setting",
        "shutdown_ms: \"soon\" is not a whole number from 0 to 600000",
        "live.heartbeat_ms: 1.5 is not a whole number from 100 to 600000",
    ];
    assert_eq!(places, expected);
}

#[test]
fn namespaces_are_added_or_refused_by_name() {
    let sound = "[[live.namespaces]]\nname = 'weather'\nmode = 'state'\nmax_hz = 2\n\
        [[live.namespaces]]\nname = 'orders'\nmode = 'lossless'";
    let config = load_file(sound).expect("sound");
    let names: Vec<_> = config.live.own_namespaces.iter().map(|policy| &*policy.name).collect();
    assert_eq!(names, ["weather", "orders"]);
    let mistakes = load(&[(
        "SPARK_LIVE_NAMESPACES",
        r#"[{name="a",mode="event",max_hz=1}, {name="price",mode="keyed"}, {name="b:",mode="state"},
            {name="c",mode="latest"}, {name="d"}, {name="e",mode="state",hz=1}, {name="f",mode="state"},
            {name="f",mode="state"}]"#,
    )])
    .expect_err("mistakes");
    let expected = [
        r#"number 1 ("a"): max_hz would merge what must not be merged"#,
        r#"number 2 ("price"): mode cannot be changed: clients know this namespace as state"#,
        r#"number 3 ("b:"): name is not 1 to 32 letters, digits, '_' and '-'"#,
        r#"number 4 ("c"): mode "latest" is not one of: state, keyed, event, lossless"#,
        r#"number 5 ("d"): missing field `mode`"#,
        r#"number 6 ("e"): unknown field `hz`"#,
        r#"number 8 ("f"): is there twice"#,
    ];
    assert_eq!(mistakes.len(), expected.len(), "{mistakes:?}");
    for (mistake, expected) in mistakes.iter().zip(expected) {
        assert!(mistake.starts_with(&format!("SPARK_LIVE_NAMESPACES: {expected}")), "{mistake}");
    }
}

#[test]
fn production_refuses_every_insecure_default_by_name() {
    let mistakes = load(&[("SPARK_PROFILE", "production")]).expect_err("mistakes");
    let expected = [
        "SPARK_JWT_SECRET: is not set, and neither is SPARK_JWKS: production makes no secret by itself",
        "SPARK_JWT_AUDIENCE: is not set: tokens for others would be taken in production",
        "SPARK_SIGNING_KEYS: is not set: production makes no secret by itself",
    ];
    assert_eq!(mistakes, expected);
    let mistakes = load(&[
        ("SPARK_PROFILE", "production"),
        ("SPARK_JWT_SECRET", &"hush-hush!".repeat(4)),
        ("SPARK_AUTH_ANONYMOUS", "true"),
        ("SPARK_AUTH_GUEST", "true"),
    ])
    .expect_err("mistakes");
    let expected = [
        "SPARK_AUTH_ANONYMOUS: true is not for production: everybody would be let in",
        "SPARK_AUTH_GUEST: true is not for production: everybody would be given a token",
        "SPARK_JWT_SECRET: is easy to guess: production wants random bytes",
        "SPARK_JWT_AUDIENCE: is not set: tokens for others would be taken in production",
        "SPARK_SIGNING_KEYS: is not set: production makes no secret by itself",
    ];
    assert_eq!(mistakes, expected);
    let keys = ("SPARK_JWKS", "http://keys.example.org/set");
    let mistakes = load(&[("SPARK_PROFILE", "production"), keys]).expect_err("mistakes");
    let expected = [
        "SPARK_JWKS: http is not for production: keys could be changed on their way",
        "SPARK_SIGNING_KEYS: is not set: production makes no secret by itself",
    ];
    assert_eq!(mistakes, expected);
    let config = load(&[
        ("SPARK_PROFILE", "production"),
        ("SPARK_SIGNING_KEYS", "0123456789abcdefghijklmnopqrstuvwxyz"),
        ("SPARK_JWKS", "https://keys.example.org/set"),
        ("SPARK_JWT_AUDIENCE", "live"),
    ])
    .expect("sound");
    assert!(!config.auth.anonymous && !config.auth.guest && config.auth.secret.is_none());
}

#[test]
fn a_secret_is_told_in_no_mistake_and_seen_in_no_printed_settings() {
    let mistakes = load(&[("SPARK_JWT_SECRET", "too-short-to-be-one"), ("SPARK_PROFILE", "x")]);
    let mistakes = mistakes.expect_err("mistakes").join("\n");
    assert!(mistakes.contains("SPARK_JWT_SECRET: is shorter than 32 bytes"), "{mistakes}");
    assert!(!mistakes.contains("too-short"), "{mistakes}");
    let secret = "0123456789abcdefghijklmnopqrstuvwxyz";
    let config = load(&[("SPARK_JWT_SECRET", secret)]).expect("sound");
    assert!(config.auth.secret.is_some() && !format!("{config:?}").contains(secret));
}

#[test]
fn tokens_are_kept_where_the_addresses_say() {
    let database = ("SPARK_DATABASE_URL", "postgres://ann:hush-hush@db/spark");
    let redis = ("SPARK_REDIS_URL", "rediss://:hush-hush@a:6379, rediss://b:6379");
    let kept = |vars: &[(&'static str, &str)]| load(vars).map(|config| config.stores.tokens);
    assert_eq!(kept(&[]), Ok(TokenStore::Sqlite));
    assert_eq!(kept(&[("SPARK_STATE_DIR", "")]), Ok(TokenStore::Memory));
    assert_eq!(kept(&[redis]), Ok(TokenStore::Redis));
    assert_eq!(kept(&[redis, database]), Ok(TokenStore::Postgres), "with the jobs, in one transaction");
    assert_eq!(kept(&[redis, database, ("SPARK_TOKEN_STORE", "redis")]), Ok(TokenStore::Redis));
    let config = load(&[redis, database, ("TOKEN_TTL_MS", "1000")]).expect("sound");
    assert_eq!(config.stores.token_ttl, Duration::from_secs(1));
    assert!(!format!("{config:?}").contains("hush-hush"));
    for (vars, mistake) in [
        (&[("SPARK_TOKEN_STORE", "postgres")][..], "postgres needs SPARK_DATABASE_URL"),
        (&[("SPARK_TOKEN_STORE", "redis")], "redis needs SPARK_REDIS_URL"),
        (&[("SPARK_TOKEN_STORE", "sqlite"), ("SPARK_STATE_DIR", "")], "sqlite needs a state folder"),
        (&[("SPARK_STATE_DIR", ""), redis], "redis needs SPARK_DATABASE_URL or a state folder"),
        (&[("SPARK_TOKEN_STORE", "etcd")], "is not one of: auto, memory, sqlite, postgres, redis"),
        (&[("TOKEN_TTL_MS", "999")], "TOKEN_TTL_MS: \"999\" is not a whole number from 1000 to 86400000"),
        (&[("SPARK_DATABASE_URL", "hush-hush@db")], "SPARK_DATABASE_URL: does not begin with postgres://"),
        (&[("SPARK_REDIS_URL", "redis://a,hush-hush")], "SPARK_REDIS_URL: does not begin with redis://"),
        (&[("SPARK_SIGNING_KEYS", "hush-hush")], "SPARK_SIGNING_KEYS: has one that is shorter than 32"),
    ] {
        let mistakes = load(vars).expect_err("a mistake").join("\n");
        assert!(mistakes.contains(mistake) && !mistakes.contains("hush-hush"), "{mistakes}");
    }
}

#[test]
fn mistakes_in_access_are_told_by_name() {
    let mistakes = load(&[
        ("SPARK_AUTH_ANONYMOUS", "yes"),
        ("SPARK_AUTH_GUEST_ALLOW", "price:**,candles"),
        ("SPARK_AUTH_ADMIN_DENY", "x:**.y"),
        ("SPARK_JWKS", "ftp://keys.example.org"),
    ])
    .expect_err("mistakes");
    let expected = [
        "SPARK_JWKS: is not the path of a file or an http or https address without a user",
        r#"SPARK_AUTH_ANONYMOUS: "yes" is not one of: true, false, auto"#,
        r#"SPARK_AUTH_GUEST_ALLOW: "candles": pattern has no namespace before a colon"#,
        r#"SPARK_AUTH_ADMIN_DENY: "x:**.y": segment of a pattern is neither a word nor '*', '{user}' or a final '**'"#,
    ];
    assert_eq!(mistakes, expected);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let overrides = Overrides { file: Some("/nowhere/spark.toml".into()), ..Overrides::default() };
    let error = Config::load(&overrides, &Vars(Vec::new())).expect_err("no file");
    assert!(error.to_string().starts_with("/nowhere/spark.toml: "), "{error}");
    let mistakes = load_file("addr = ").expect_err("not TOML");
    assert!(mistakes[0].contains("spark.toml: ") && mistakes.len() == 1, "{mistakes:?}");
}

#[test]
fn origins_are_taken_only_as_browsers_write_them() {
    for good in ["http://localhost:5173", "https://app.example.org", "http://[::1]:8080"] {
        assert!(is_origin(good), "{good}");
    }
    for bad in [
        "null",
        "*",
        "https://",
        "https://a.example/",
        "https://A.example",
        "ftp://a",
        "https://a:443",
        "http://a:80",
        "http://u@a",
        "a.example",
    ] {
        assert!(!is_origin(bad), "{bad}");
    }
}

#[test]
fn the_variable_of_the_tests_is_not_a_setting() {
    assert!(load(&[("SPARK_BIN", "/y")]).is_ok());
    assert_eq!(
        load(&[("SPARK_DATE_DIR", "/z")]).expect_err("a mistake"),
        ["SPARK_DATE_DIR: unknown setting; did you mean SPARK_DATA_DIR?"]
    );
}
