//! Sixty secrets as they stood in logs, dumps, files and consoles, written down by hand by somebody who knew the detectors.
//!
//! The detectors of then found 50 of them, and changed one of the clean lines; they were mended with these in sight, so that
//! finding all of them now says less than that did. [`LATER`] was written after that mending, when 15 of its 20 were found; the
//! other five have been mended since.
//!
//! Each is a whole piece of text with the surroundings that such a text has, and every value in it that must not be seen
//! again. Values are made up.

/// One piece of text: where it is from, the values in it that have to go, the text.
pub(crate) type Case = (&'static str, &'static [&'static str], &'static str);

/// So many of [`CASES`] have to be found.
pub(crate) const FOUND_AT_LEAST: usize = 60;

/// All cases.
pub(crate) const CASES: [Case; 60] = [
    // Logs.
    (
        "log: hikari pool",
        &["Gr33nTe4pot"],
        "2026-03-02 08:11:54.201 ERROR 1 --- [main] com.zaxxer.hikari.pool.HikariPool : HikariPool-1 - Exception during pool initialization. jdbc:mysql://orders-db:3306/orders?user=orders&password=Gr33nTe4pot&useSSL=false",
    ),
    (
        "log: go struct dump",
        &["xe7-parrot-LANE"],
        "level=debug ts=2026-03-02T08:12:01Z caller=main.go:88 msg=\"config loaded\" cfg=\"{Listen::8080 DB:{Host:db1 Port:5432 User:svc Password:xe7-parrot-LANE SSL:true} Debug:false}\"",
    ),
    (
        "log: python repr",
        &["w1nd0wSill"],
        "DEBUG:root:connecting with {'host': 'mq-2', 'virtual_host': '/', 'credentials': PlainCredentials(username='svc', password='w1nd0wSill', erase_on_connect=False)}",
    ),
    (
        "log: rails parameters",
        &["mK2nightfall"],
        "Started POST \"/users/sign_in\" for 10.4.1.9\nParameters: {\"utf8\"=>\"✓\", \"user\"=>{\"email\"=>\"eve@corp.example\", \"password\"=>\"mK2nightfall\", \"remember_me\"=>\"1\"}}",
    ),
    (
        "log: nginx query",
        &["5f1d0c7be2aa49d1b0d3"],
        "10.2.0.7 - - [02/Mar/2026:08:13:00 +0000] \"GET /ws/stream?channel=7&access_token=5f1d0c7be2aa49d1b0d3 HTTP/1.1\" 101 0 \"-\" \"-\"",
    ),
    (
        "log: set -x",
        &["Tarn1sh-Bolt"],
        "+ export RESTIC_PASSWORD=Tarn1sh-Bolt\n+ RESTIC_PASSWORD=Tarn1sh-Bolt\n+ restic -r s3:s3.amazonaws.com/backup snapshots",
    ),
    (
        "log: celery broker",
        &["cinder77block"],
        "[2026-03-02 08:14:10,311: ERROR/MainProcess] consumer: Cannot connect to amqp://celery:cinder77block@rabbit.queue.svc:5672//: [Errno 111] Connection refused.",
    ),
    (
        "log: kafka sasl",
        &["bR1ghtlantern"],
        "sasl.jaas.config = org.apache.kafka.common.security.scram.ScramLoginModule required username=\"connect\" password=\"bR1ghtlantern\";",
    ),
    (
        "log: tomcat realm",
        &["Pewter.Gate.9"],
        "<Resource name=\"jdbc/shop\" auth=\"Container\" type=\"javax.sql.DataSource\" username=\"shop\" password=\"Pewter.Gate.9\" url=\"jdbc:oracle:thin:@ora1:1521:SHOP\"/>",
    ),
    (
        "log: audit proctitle",
        &["70726976617465706561636F636B"],
        "type=PROCTITLE msg=audit(1772439254.113:991): proctitle=6D7973716C002D75726F6F74002D7070726976617465706561636F636B",
    ),
    // Environments.
    (
        "env: docker inspect",
        &["sapphire-0wl"],
        "            \"Env\": [\n                \"PATH=/usr/local/sbin:/usr/bin\",\n                \"MONGO_INITDB_ROOT_USERNAME=root\",\n                \"MONGO_INITDB_ROOT_PASSWORD=sapphire-0wl\",\n                \"GOSU_VERSION=1.16\"\n            ],",
    ),
    (
        "env: proc environ",
        &["Qu4rryStone", "b2f1e8d97c6a4530"],
        "HOSTNAME=api-7d9\0DB_PASS=Qu4rryStone\0HOME=/root\0SESSION_SECRET=b2f1e8d97c6a4530\0TERM=xterm",
    ),
    (
        "env: systemd show",
        &["velvetHammer3"],
        "Environment=LANG=C.UTF-8 GF_SECURITY_ADMIN_PASSWORD=velvetHammer3 GF_PATHS_DATA=/var/lib/grafana",
    ),
    (
        "env: systemctl cat",
        &["n0rthernPike"],
        "[Service]\nUser=exporter\nEnvironment=\"DATA_SOURCE_NAME=postgresql://exporter:n0rthernPike@/postgres?host=/run/postgresql\"\nExecStart=/usr/bin/postgres_exporter",
    ),
    (
        "env: windows set",
        &["Harbor!Mist22"],
        "ALLUSERSPROFILE=C:\\ProgramData\r\nSVC_PWD=Harbor!Mist22\r\nTEMP=C:\\Windows\\TEMP\r\n",
    ),
    (
        "env: compose",
        &["tin-roof-rusted"],
        "    environment:\n      - POSTGRES_USER=app\n      - POSTGRES_PASSWORD=tin-roof-rusted\n      - TZ=UTC\n",
    ),
    (
        "env: dotenv",
        &["base64:Zk9xR2h1V2pLcTVtTnBQc1R2WXpCZEZoSmxOcVN0Vng="],
        "APP_NAME=Shop\nAPP_KEY=base64:Zk9xR2h1V2pLcTVtTnBQc1R2WXpCZEZoSmxOcVN0Vng=\nAPP_DEBUG=false\n",
    ),
    ("env: fish", &["9d8f7a6b5c4e3d2f1a0b"], "set -gx NPM_AUTH 9d8f7a6b5c4e3d2f1a0b\nset -gx EDITOR vim"),
    ("env: powershell", &["Copper*Kettle8"], "PS C:\\> $env:SQL_PASSWORD = \"Copper*Kettle8\"\nPS C:\\> .\\deploy.ps1"),
    // kubectl.
    (
        "kubectl: describe pod",
        &["walnutGrove5"],
        "    Environment:\n      LOG_LEVEL:          info\n      KEYCLOAK_PASSWORD:  walnutGrove5\n      JAVA_OPTS:          -Xmx512m\n    Mounts:",
    ),
    (
        "kubectl: jsonpath",
        &["c3VwZXItZHVwZXItc2VjcmV0"],
        "$ kubectl get secret grafana -o jsonpath='{.data.admin-password}'\nc3VwZXItZHVwZXItc2VjcmV0$ ",
    ),
    (
        "kubectl: base64 -d",
        &["ambling-Otter-31"],
        "$ kubectl -n mon get secret grafana -o go-template='{{.data.pw | base64decode}}'\nambling-Otter-31\n",
    ),
    (
        "kubectl: create token",
        &["eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJzeXN0ZW06c2EifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"],
        "$ kubectl create token prometheus\neyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJzeXN0ZW06c2EifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg\n",
    ),
    (
        "kubectl: literal in configmap",
        &["Orchid-Wasp-4"],
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  application.yml: |\n    spring:\n      datasource:\n        username: app\n        password: Orchid-Wasp-4\n",
    ),
    (
        "kubectl: last-applied",
        &["Q29iYWx0R2VlczQ="],
        "  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      {\"apiVersion\":\"v1\",\"data\":{\"pw\":\"Q29iYWx0R2VlczQ=\"},\"kind\":\"Secret\",\"metadata\":{\"name\":\"db\"}}\n",
    ),
    (
        "helm: get values",
        &["lucid-m00n-Trap"],
        "USER-SUPPLIED VALUES:\nauth:\n  enablePostgresUser: true\n  postgresPassword: lucid-m00n-Trap\nprimary:\n  persistence:\n    size: 8Gi\n",
    ),
    (
        "helm: --set",
        &["birchBark2x"],
        "helm upgrade --install redis bitnami/redis --set auth.password=birchBark2x --set replica.replicaCount=2",
    ),
    // Connection strings.
    (
        "jdbc: sqlserver",
        &["Mar1gold;Field"],
        "jdbc:sqlserver://sql1:1433;databaseName=crm;user=crm;password={Mar1gold;Field};encrypt=true;",
    ),
    ("jdbc: oracle", &["t1ger2lily"], "url=jdbc:oracle:thin:scott/t1ger2lily@//ora2:1521/ORCLPDB1"),
    (
        "dsn: sqlalchemy",
        &["p%40ssw0rd-Fern"],
        "sqlalchemy.exc.OperationalError: could not connect: postgresql+psycopg2://report:p%40ssw0rd-Fern@pg-ro:5432/dw",
    ),
    (
        "dsn: redis url",
        &["fjord8842"],
        "REDIS_URL=rediss://default:fjord8842@cache-1.internal:6380/0?ssl_cert_reqs=none",
    ),
    (
        "dsn: mongo seed list",
        &["sw4llow.nest"],
        "MongoServerSelectionError: mongodb://shop:sw4llow.nest@m1:27017,m2:27017,m3:27017/shop?replicaSet=rs0",
    ),
    (
        "dsn: pgbouncer auth file",
        &[
            "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2E=$T0JqZWN0U3RvcmVkS2V5U3RvcmVkS2V5U3Q=:U2VydmVyS2V5U2VydmVyS2V5U2VydmVyS2U=",
        ],
        "\"app\" \"SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2E=$T0JqZWN0U3RvcmVkS2V5U3RvcmVkS2V5U3Q=:U2VydmVyS2V5U2VydmVyS2V5U2VydmVyS2U=\"",
    ),
    (
        "dsn: azure service bus",
        &["8Vd3kq0ZJrXyPzT6uHnBf5mWcLsQa1Gt2Ei9Ro4Yx7A="],
        "Endpoint=sb://ops.servicebus.windows.net/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=8Vd3kq0ZJrXyPzT6uHnBf5mWcLsQa1Gt2Ei9Ro4Yx7A=",
    ),
    (
        "dsn: odbc",
        &["Rust1cBarn"],
        "DRIVER={ODBC Driver 18 for SQL Server};SERVER=tcp:sql2,1433;DATABASE=x;UID=svc_x;PWD=Rust1cBarn;TrustServerCertificate=yes",
    ),
    (
        "dsn: smtp",
        &["qu1ll-and-ink"],
        "smtp://alerts%40corp.example:qu1ll-and-ink@mail.corp.example:587/?starttls=true",
    ),
    // Files.
    (
        "file: netrc in one line",
        &["gl1mmerPond"],
        "machine artifacts.corp.example login ci password gl1mmerPond machine other.example login x password gl1mmerPond",
    ),
    (
        "file: docker config",
        &["cm9ib3Q6aDByc2VSYWRpc2g="],
        "{\n\t\"auths\": {\n\t\t\"https://index.docker.io/v1/\": {\n\t\t\t\"auth\": \"cm9ib3Q6aDByc2VSYWRpc2g=\"\n\t\t}\n\t}\n}",
    ),
    (
        "file: npmrc",
        &["0a1b2c3d-4e5f-6789-abcd-ef0123456789"],
        "@corp:registry=https://npm.corp.example/\n//npm.corp.example/:_authToken=0a1b2c3d-4e5f-6789-abcd-ef0123456789\nalways-auth=true",
    ),
    ("file: pip.conf", &["thistleDown6"], "[global]\nindex-url = https://ci:thistleDown6@pypi.corp.example/simple\n"),
    ("file: git-credentials", &["f00dfightMonday"], "https://deploy:f00dfightMonday@git.corp.example\n"),
    ("file: my.cnf", &["l0om&Spindle"], "[client]\nuser = backup\npassword = \"l0om&Spindle\"\nhost = db3\n"),
    (
        "file: aws credentials",
        &["hT9/Wq2eXb7RzL0+VnM4yKcJ8sPdFgA1uEiOoQrT"],
        "[default]\naws_access_key_id = AKIAQ2WERTYUIOPASDFG\naws_secret_access_key = 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\nregion = eu-central-1",
    ),
    (
        "file: s3cfg",
        &["Jb8wq0Yt6Xc3Vn1Mz5Lk7Hg9Fd2Sa4Po0Iu3Yt6R"],
        "access_key = 9H2K4L6M8N0P\nbucket_location = US\nsecret_key = Jb8wq0Yt6Xc3Vn1Mz5Lk7Hg9Fd2Sa4Po0Iu3Yt6R\n",
    ),
    ("file: wpa", &["river stones and moss"], "network={\n\tssid=\"noc\"\n\tpsk=\"river stones and moss\"\n}"),
    (
        "file: alertmanager",
        &["T02ABCDEF/B03GHIJKL/m4n5o6p7q8r9s0t1u2v3w4x5", "s1lverBirch"],
        "global:\n  slack_api_url: https://hooks.slack.com/services/T02ABCDEF/B03GHIJKL/m4n5o6p7q8r9s0t1u2v3w4x5\n  smtp_auth_username: am\n  smtp_auth_password: s1lverBirch\n",
    ),
    (
        "file: keepalived",
        &["vrrp!42x"],
        "    authentication {\n        auth_type PASS\n        auth_pass vrrp!42x\n    }\n",
    ),
    (
        "file: haproxy",
        &["st4tsRoom"],
        "listen stats\n    bind :8404\n    stats auth admin:st4tsRoom\n    stats uri /\n",
    ),
    (
        "file: wireguard",
        &["aFJ1bm5pbmdXYXRlckRlZXBBbmRTdGlsbE5pZ2h0czQ="],
        "[Interface]\nAddress = 10.8.0.1/24\nPrivateKey = aFJ1bm5pbmdXYXRlckRlZXBBbmRTdGlsbE5pZ2h0czQ=\nListenPort = 51820\n",
    ),
    // HTTP.
    (
        "http: curl trace",
        &["Zm9yZ2U6SHlkcmFudFBpbms3"],
        "* Server auth using Basic with user 'forge'\n> GET /api/v2/status HTTP/2\n> Host: es1:9200\n> authorization: Basic Zm9yZ2U6SHlkcmFudFBpbms3\n> user-agent: curl/8.5.0\n",
    ),
    (
        "http: opaque bearer in json log",
        &["mF_9.B5f-4.1JqM"],
        "{\"method\":\"GET\",\"headers\":{\"accept\":\"*/*\",\"authorization\":\"Bearer mF_9.B5f-4.1JqM\"},\"status\":401}",
    ),
    (
        "http: token request",
        &["cl13nt-5ecret-Hazel", "Az9kLm3"],
        "POST /oauth2/token HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\ngrant_type=authorization_code&code=Az9kLm3&client_id=ops&client_secret=cl13nt-5ecret-Hazel",
    ),
    (
        "http: cookie",
        &["s%3Ax7Qp2LmN9vBkT4rW.Yd8"],
        "Cookie: _ga=GA1.2.3.4; connect.sid=s%3Ax7Qp2LmN9vBkT4rW.Yd8; locale=de",
    ),
    // Shell history and chat.
    (
        "history: openssl enc",
        &["basaltColumn"],
        "  981  openssl enc -aes-256-cbc -pbkdf2 -in dump.sql -out dump.enc -k basaltColumn\n  982  ls -la",
    ),
    (
        "history: psql uri",
        &["0chreDune"],
        "  502  psql \"host=pg1 dbname=x user=app password=0chreDune\" -c 'select 1'\n",
    ),
    (
        "history: ansible",
        &["Kiln.Fired.88"],
        "  113  ansible-playbook site.yml -e ansible_become_pass=Kiln.Fired.88 --limit web\n",
    ),
    ("history: vault kv", &["m1ntcondition"], "  77  vault kv put secret/app db_password=m1ntcondition ttl=30m\n"),
    (
        "chat: handed over",
        &["Plum&Walnut19"],
        "alice: how do I get into the switch?\nbob: user netops, pw Plum&Walnut19 (will rotate tomorrow)",
    ),
    // Terraform.
    (
        "terraform: state",
        &["hushedMead0w"],
        "          \"attributes\": {\n            \"engine\": \"postgres\",\n            \"master_password\": \"hushedMead0w\",\n            \"port\": 5432\n          }",
    ),
    (
        "terraform: plan",
        &["0ldGranary", "n3wGranary"],
        "  ~ resource \"aws_db_instance\" \"x\" {\n      ~ password = \"0ldGranary\" -> \"n3wGranary\"\n        name     = \"x\"\n    }",
    ),
];

/// Cases that were written after the detectors had been mended for [`CASES`].
pub(crate) const LATER: [Case; 20] = [
    (
        "log: druid pool",
        &["Fl1ntMeadow"],
        "2026-04-01 10:00:00 [main] INFO c.a.d.p.DruidDataSource - {dataSource-1} inited url=jdbc:mysql://db7/x, username=root, password=Fl1ntMeadow, maxActive=20",
    ),
    (
        "log: gunicorn env",
        &["9b1c4e7da0f2"],
        "[2026-04-01 10:00:01 +0000] [7] [DEBUG] Current configuration: raw_env: ['SECRET_KEY=9b1c4e7da0f2-dev', 'PORT=80']",
    ),
    ("env: nomad task", &["sorrel+Quill5"], "env {\n  DB_USER = \"app\"\n  DB_PASS = \"sorrel+Quill5\"\n}"),
    ("env: declare -x", &["h3atherLoom"], "declare -x MYSQL_ROOT_PASSWORD=\"h3atherLoom\"\ndeclare -x OLDPWD"),
    ("file: pgpass with escaped colon", &["wind\\:mill7"], "pg3.corp:5432:*:repl:wind\\:mill7\n"),
    ("file: fstab cifs", &["Ember-Trail6"], "//nas/backup /mnt/b cifs username=svc,password=Ember-Trail6,uid=0 0 0"),
    ("file: msmtp", &["p0plarGrove"], "account default\nhost mail.corp\nauth on\nuser alerts\npassword p0plarGrove\n"),
    (
        "file: rclone obscured",
        &["UmyLSdRHfew6aual28-ggx78"],
        "[nas]\ntype = sftp\nhost = nas1\nuser = bk\npass = UmyLSdRHfew6aual28-ggx78aaaa",
    ),
    (
        "file: ceph keyring",
        &["AQBx9Wpk5oT2HRAAZ3Qk1vY8uN0LrXcJ4mDfSg=="],
        "[client.admin]\n\tkey = AQBx9Wpk5oT2HRAAZ3Qk1vY8uN0LrXcJ4mDfSg==\n\tcaps mon = \"allow *\"\n",
    ),
    (
        "file: traefik users",
        &["$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"],
        "http.middlewares.a.basicauth.users=admin:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/",
    ),
    (
        "file: rabbitmq definitions",
        &["5o5Lw1Gq1mWb0oZ3vVw1dGZkq3K0Zc2pYx9uQe7n"],
        "{\"users\":[{\"name\":\"app\",\"password_hash\":\"5o5Lw1Gq1mWb0oZ3vVw1dGZkq3K0Zc2pYx9uQe7n\",\"tags\":\"\"}]}",
    ),
    (
        "http: digest response",
        &["6629fae49393a05397450978507c4ef1"],
        "Authorization: Digest username=\"mon\", realm=\"x\", nonce=\"dcd98b\", uri=\"/s\", response=\"6629fae49393a05397450978507c4ef1\"",
    ),
    (
        "http: grafana api key",
        &["eyJrIjoiT0tTcG1pUlY2RnVKZTFVaDFsNFZXdE9ZWmNrMkZYbk"],
        "curl -H \"Authorization: Bearer eyJrIjoiT0tTcG1pUlY2RnVKZTFVaDFsNFZXdE9ZWmNrMkZYbk\" http://graf:3000/api/org",
    ),
    (
        "http: secret in a path",
        &["9ZqT7vLx2KpW4mRb8NcD"],
        "2026-04-01 POST https://chat.corp.example/hooks/9ZqT7vLx2KpW4mRb8NcD 200 12ms",
    ),
    (
        "history: ipmitool",
        &["c4lyxRidge"],
        "  33  ipmitool -I lanplus -H bmc4 -U ADMIN -P c4lyxRidge chassis power status\n",
    ),
    ("history: mongodump uri", &["tw1ne-spool"], "  61  mongodump --uri=\"mongodb://bk:tw1ne-spool@m1/x\" --gzip\n"),
    (
        "history: gpg passphrase",
        &["Dusty.Harp.3"],
        "  72  gpg --batch --passphrase 'Dusty.Harp.3' -d dump.gpg > dump.sql\n",
    ),
    ("history: kubectl set env", &["m0ssyLedge"], "  80  kubectl set env deploy/api DB_PASSWORD=m0ssyLedge -n shop\n"),
    ("chat: login", &["Larch%Owl55"], "carol: you can log in with readonly / Larch%Owl55 until tonight"),
    (
        "terraform: output",
        &["brass0rchid"],
        "$ terraform output -json\n{\"db_password\":{\"sensitive\":true,\"type\":\"string\",\"value\":\"brass0rchid\"}}",
    ),
];

/// So many of [`LATER`] have to be found.
pub(crate) const LATER_AT_LEAST: usize = 20;

/// Sixty lines without a secret, which have to stay as they are.
pub(crate) const CLEAN: [&str; 60] = [
    // Hashes, digests, ids.
    "commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904 (HEAD -> main, origin/main)",
    "Author: Build <build@localhost>\nDate:   Mon Mar 2 08:00:00 2026 +0000",
    "index 83db48f..bf2a3c1 100644",
    "git describe: v2.14.3-17-g9fceb02",
    "Image ID: docker-pullable://registry.k8s.io/pause@sha256:7031c1b283388d2c2e09b57badb803c05ebed362dc88d84b480cc47f72a21097",
    "Digest: sha256:0b8c0b4f2e6a1d9c3f5e7a8b6d4c2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d",
    "Container ID:  containerd://3f4e5d6c7b8a9f0e1d2c3b4a5f6e7d8c9b0a1f2e3d4c5b6a7f8e9d0c1b2a3f4e",
    "uid: 6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7 sampled=true",
    "x-request-id: 9c1f3c2e-5d0a-4b0e-8a51-1f2f3a4b5c6d",
    "X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678",
    "ETag: \"33a64df551425fcc55e4d42a148795d9f25f89d4\"",
    "md5sum: d41d8cd98f00b204e9800998ecf8427e  empty.bin",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  app.tar.gz",
    "go: github.com/prometheus/common v0.45.0 h1:2BGz0eBc2hdMDLnO/8n0jeB3oPrt2D08CekT0lneoxM=",
    "\"integrity\": \"sha512-9vVFsJTdTnS5MIgJ8sJxYYrUxJgMzOYhQq6SHVDhlWbgPK3G8nGjhtxL5F8DpQUQiqkvmDB9W6Yj3PZk2GA0yg==\"",
    "resourceVersion: \"184467\" generation: 3 observedGeneration: 3",
    "pod-template-hash=6d4cf56db6 controller-revision-hash=web-7c9d8f6b5",
    "checksum/config: 01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b",
    // Certificates and public keys.
    "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ1yZ2n7Ww3nL1c2bXx5o8K3x5wkwCgYIKoZIzj0EAwIw\nHzEdMBsGA1UEAwwUa3ViZXJuZXRlcy1jYS0xNzcyNDM5MB4XDTI2MDMwMjA4MDAw\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7z1Jq2mXc0o0Hq8u0x8b2s8u9m3V\n-----END PUBLIC KEY-----",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHk3m1ZyY2Fub25pY2FsZXhhbXBsZWtleTEyMzQ1 ops@console",
    "Serial Number: 4f:3e:2d:1c:0b:5a:69:78:87:96 Signature Algorithm: ecdsa-with-SHA256",
    "X509v3 Subject Key Identifier: 3D:9B:4E:21:70:8C:51:FF:0A:62:18:9E:44:D0:C3:27:5B:AA:91:06",
    "certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJlRENDQVIyZ0F3SUJBZ0lCQURBS0JnZ3Foa2pPUFFRREFqQWpNU0V3SHdZRFZRUUREQmhyCi0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K",
    "PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
    "ECDSA key fingerprint is SHA256:uNiVztksCsDhcc0u9e8BrZqXgj2c6x3aQ4p1c0tY3qE.",
    // Metrics and queries.
    "node_filesystem_avail_bytes{device=\"/dev/sda1\",fstype=\"ext4\",mountpoint=\"/\"} 1.3421772e+10",
    "rate(http_requests_total{job=\"api\",code=~\"5..\"}[5m]) / rate(http_requests_total{job=\"api\"}[5m]) > 0.05",
    "process_start_time_seconds 1.77243925411e+09",
    "go_memstats_alloc_bytes_total 4.294967296e+09",
    "vault_token_count{auth_method=\"kubernetes\"} 118",
    "keycloak_login_attempts{realm=\"ops\",provider=\"ldap\"} 42",
    "histogram_quantile(0.99, sum by (le) (rate(apiserver_request_duration_seconds_bucket[5m])))",
    "etcd_mvcc_db_total_size_in_bytes 2.147483648e+09",
    // Logs that speak about secrets and hold none.
    "Mar  2 08:00:01 sshd[811]: Failed password for invalid user from port 51234 ssh2",
    "error: the server rejected the token: token has expired, request a new one",
    "password authentication failed for role, check pg_hba.conf line 92",
    "level=warn msg=\"secret not found\" namespace=shop name=db-credentials",
    "MountVolume.SetUp failed for volume \"creds\" : secret \"db-credentials\" not found",
    "time=\"2026-03-02T08:00:00Z\" msg=\"rotating key\" key_version=3 algorithm=RS256",
    "pam_unix(sudo:auth): authentication failure; logname= uid=1000 euid=0 tty=/dev/pts/0",
    "x509: certificate has expired or is not yet valid: current time is after 2026-02-28T23:59:59Z",
    "WARN token bucket empty: rate=100/s burst=200 tokens=0",
    "cookie banner shown: consent=true lang=en",
    // Configuration and commands that name where a secret is.
    "password_file: /etc/alertmanager/smtp.pass",
    "passwordSecretRef:\n  name: smtp\n  key: auth-password",
    "export PGPASSFILE=~/.pgpass",
    "PASSWORD=$(cat /run/secrets/db) ./migrate.sh",
    "valueFrom:\n  secretKeyRef:\n    name: db\n    key: DB_PASSWORD",
    "ssl_certificate_key /etc/nginx/tls/site.key;",
    "IdentityFile ~/.ssh/id_ed25519",
    "curl --netrc-file /etc/netrc -H \"Authorization: Bearer $TOKEN\" https://api/health",
    "kubectl create secret generic db --from-file=password=./pw.txt",
    "vault kv get -field=password secret/app",
    // Other long words.
    "machine-id 8d4f1d5e6c7b4a3f9e2d1c0b5a697887 boot-id 0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "arn:aws:iam::123456789012:role/ops-readonly and ami-0abcdef1234567890 in subnet-0bb1c79de3EXAMPLE",
    "/dev/disk/by-uuid/3e6be9de-8139-4a0c-9106-a43f08d823a6 /var ext4 defaults 0 2",
    "offset 18446744073709551615 at 0x7ffe5b3c9d40 in libc.so.6 (+0x29d90)",
];
