//! Names of people in a dozen languages, each with the ASCII form used in logins and e-mail
//! addresses.

/// A part of a name: as written, and in lower-case ASCII.
pub(super) type Name = (&'static str, &'static str);

/// The names of one language.
#[derive(Default, Clone, Copy)]
pub(super) struct Language {
    pub(super) given: &'static [Name],
    pub(super) family: &'static [Name],
    /// True if the family name comes first.
    pub(super) family_first: bool,
    /// True if some logins use the language's own letters. Requires that every name is one word of
    /// letters of one script whose upper-case form folds back to the same letters, so that such a
    /// login is valid and its upper-case form is a known duplicate.
    pub(super) native_logins: bool,
}

pub(super) static LANGUAGES: &[Language] = &[
    // Czech and Slovak
    Language {
        given: &[
            ("Jiří", "jiri"),
            ("Jana", "jana"),
            ("Tomáš", "tomas"),
            ("Zuzana", "zuzana"),
            ("Lukáš", "lukas"),
            ("Kateřina", "katerina"),
            ("Ondřej", "ondrej"),
            ("Ľubica", "lubica"),
            ("Matúš", "matus"),
            ("Žofie", "zofie"),
        ],
        family: &[
            ("Novák", "novak"),
            ("Dvořáková", "dvorakova"),
            ("Černý", "cerny"),
            ("Procházková", "prochazkova"),
            ("Kučera", "kucera"),
            ("Šťastná", "stastna"),
            ("Hájek", "hajek"),
            ("Růžičková", "ruzickova"),
            ("Horváth", "horvath"),
            ("Kováč", "kovac"),
        ],
        family_first: false,
        native_logins: true,
    },
    // German
    Language {
        given: &[
            ("Jürgen", "juergen"),
            ("Sabine", "sabine"),
            ("Björn", "bjoern"),
            ("Käthe", "kaethe"),
            ("Lukas", "lukas"),
            ("Friederike", "friederike"),
            ("Günther", "guenther"),
            ("Anneliese", "anneliese"),
        ],
        family: &[
            ("Müller", "mueller"),
            ("Groß", "gross"),
            ("Schäfer", "schaefer"),
            ("Weiß", "weiss"),
            ("König", "koenig"),
            ("Zimmermann", "zimmermann"),
            ("Krüger", "krueger"),
            ("Vogel", "vogel"),
        ],
        family_first: false,
        native_logins: true,
    },
    // English and Irish
    Language {
        given: &[
            ("John", "john"),
            ("Olivia", "olivia"),
            ("Siobhán", "siobhan"),
            ("William", "william"),
            ("Charlotte", "charlotte"),
            ("Seán", "sean"),
            ("Amelia", "amelia"),
            ("Jack", "jack"),
        ],
        family: &[
            ("Smith", "smith"),
            ("O'Brien", "obrien"),
            ("Taylor", "taylor"),
            ("Woo", "woo"),
            ("Smith-Jones", "smith-jones"),
            ("Ó Súilleabháin", "osuilleabhain"),
            ("Thompson", "thompson"),
            ("McCarthy", "mccarthy"),
        ],
        family_first: false,
        native_logins: false,
    },
    // Polish
    Language {
        given: &[
            ("Łukasz", "lukasz"),
            ("Małgorzata", "malgorzata"),
            ("Paweł", "pawel"),
            ("Grażyna", "grazyna"),
            ("Michał", "michal"),
            ("Agnieszka", "agnieszka"),
            ("Wojciech", "wojciech"),
            ("Józef", "jozef"),
        ],
        family: &[
            ("Wiśniewski", "wisniewski"),
            ("Wójcik", "wojcik"),
            ("Kamińska", "kaminska"),
            ("Zieliński", "zielinski"),
            ("Dąbrowska", "dabrowska"),
            ("Szymański", "szymanski"),
            ("Krawczyk", "krawczyk"),
            ("Źrebiec", "zrebiec"),
        ],
        family_first: false,
        native_logins: true,
    },
    // French
    Language {
        given: &[
            ("Hélène", "helene"),
            ("François", "francois"),
            ("Zoé", "zoe"),
            ("Jean-Luc", "jean-luc"),
            ("Noël", "noel"),
            ("Chloé", "chloe"),
            ("Benoît", "benoit"),
            ("Mathilde", "mathilde"),
        ],
        family: &[
            ("Lefèvre", "lefevre"),
            ("d'Arc", "darc"),
            ("Bérenger", "berenger"),
            ("Garçon", "garcon"),
            ("Moreau", "moreau"),
            ("Gauthier", "gauthier"),
            ("L'Hôpital", "lhopital"),
            ("de La Tour", "delatour"),
        ],
        family_first: false,
        native_logins: false,
    },
    // Spanish
    Language {
        given: &[
            ("José", "jose"),
            ("Lucía", "lucia"),
            ("Íñigo", "inigo"),
            ("Begoña", "begona"),
            ("Andrés", "andres"),
            ("Inés", "ines"),
            ("Álvaro", "alvaro"),
            ("Carmen", "carmen"),
        ],
        family: &[
            ("Muñoz", "munoz"),
            ("García", "garcia"),
            ("Núñez", "nunez"),
            ("Hernández", "hernandez"),
            ("Ibáñez", "ibanez"),
            ("Peña", "pena"),
            ("Ruiz", "ruiz"),
            ("Castellanos", "castellanos"),
        ],
        family_first: false,
        native_logins: true,
    },
    // Turkish; its dotless and dotted i do not fold like the other letters
    Language {
        given: &[
            ("Ayşe", "ayse"),
            ("Çağlar", "caglar"),
            ("İbrahim", "ibrahim"),
            ("Gülşen", "gulsen"),
            ("Işıl", "isil"),
            ("Ömer", "omer"),
        ],
        family: &[
            ("Yılmaz", "yilmaz"),
            ("Şahin", "sahin"),
            ("Öztürk", "ozturk"),
            ("Kılıç", "kilic"),
            ("Doğan", "dogan"),
            ("Aydın", "aydin"),
        ],
        family_first: false,
        native_logins: false,
    },
    // Ukrainian
    Language {
        given: &[
            ("Олександр", "oleksandr"),
            ("Оксана", "oksana"),
            ("Тарас", "taras"),
            ("Катерина", "kateryna"),
            ("Богдан", "bohdan"),
            ("Євгенія", "yevheniia"),
        ],
        family: &[
            ("Шевченко", "shevchenko"),
            ("Ковальчук", "kovalchuk"),
            ("Бондаренко", "bondarenko"),
            ("Лисенко", "lysenko"),
            ("Петренко", "petrenko"),
            ("Мельник", "melnyk"),
        ],
        family_first: false,
        native_logins: true,
    },
    // Greek
    Language {
        given: &[
            ("Γιώργος", "giorgos"),
            ("Ελένη", "eleni"),
            ("Νίκος", "nikos"),
            ("Σοφία", "sofia"),
            ("Κώστας", "kostas"),
            ("Δήμητρα", "dimitra"),
        ],
        family: &[
            ("Παπαδόπουλος", "papadopoulos"),
            ("Νικολάου", "nikolaou"),
            ("Γεωργίου", "georgiou"),
            ("Αντωνίου", "antoniou"),
            ("Σταύρου", "stavrou"),
            ("Κωνσταντίνου", "konstantinou"),
        ],
        family_first: false,
        native_logins: true,
    },
    // Estonian and Finnish
    Language {
        given: &[
            ("Jüri", "juri"),
            ("Mäirt", "mairt"),
            ("Õnne", "onne"),
            ("Päivi", "paivi"),
            ("Väinö", "vaino"),
            ("Liisa", "liisa"),
        ],
        family: &[
            ("Põder", "poder"),
            ("Mägi", "magi"),
            ("Mäkinen", "makinen"),
            ("Hämäläinen", "hamalainen"),
            ("Tamm", "tamm"),
            ("Kärkkäinen", "karkkainen"),
        ],
        family_first: false,
        native_logins: true,
    },
    // Hungarian
    Language {
        given: &[
            ("Győző", "gyozo"),
            ("Erzsébet", "erzsebet"),
            ("László", "laszlo"),
            ("Ágnes", "agnes"),
            ("Zoltán", "zoltan"),
            ("Piroska", "piroska"),
        ],
        family: &[
            ("Kovács", "kovacs"),
            ("Szűcs", "szucs"),
            ("Tóth", "toth"),
            ("Fekete", "fekete"),
            ("Vörös", "voros"),
            ("Nagy", "nagy"),
        ],
        family_first: true,
        native_logins: true,
    },
    // Vietnamese
    Language {
        given: &[
            ("Thị Hương", "huong"),
            ("Văn Đức", "duc"),
            ("Minh Tuấn", "tuan"),
            ("Ngọc Ánh", "anh"),
            ("Quốc Bảo", "bao"),
            ("Thu Thảo", "thao"),
        ],
        family: &[
            ("Nguyễn", "nguyen"),
            ("Trần", "tran"),
            ("Lê", "le"),
            ("Phạm", "pham"),
            ("Đặng", "dang"),
            ("Vũ", "vu"),
        ],
        family_first: true,
        native_logins: false,
    },
    // Japanese
    Language {
        given: &[
            ("さくら", "sakura"),
            ("健太", "kenta"),
            ("美咲", "misaki"),
            ("大輔", "daisuke"),
            ("陽子", "yoko"),
            ("翔", "sho"),
        ],
        family: &[
            ("佐藤", "sato"),
            ("鈴木", "suzuki"),
            ("高橋", "takahashi"),
            ("田中", "tanaka"),
            ("渡辺", "watanabe"),
            ("小林", "kobayashi"),
        ],
        family_first: true,
        native_logins: false,
    },
    // Arabic
    Language {
        given: &[
            ("فاطمة", "fatima"),
            ("محمد", "mohammed"),
            ("ليلى", "layla"),
            ("يوسف", "youssef"),
            ("عائشة", "aisha"),
            ("عمر", "omar"),
        ],
        family: &[
            ("الحسن", "alhassan"),
            ("حداد", "haddad"),
            ("منصور", "mansour"),
            ("خوري", "khoury"),
            ("النجار", "alnajjar"),
            ("سالم", "salem"),
        ],
        family_first: false,
        native_logins: false,
    },
];

pub(super) static POSITIONS: &[&str] = &[
    "Category Manager",
    "Store Manager",
    "Deputy Store Manager",
    "Regional Lead",
    "Visual Merchandiser",
    "Buyer",
];

pub(super) static CITIES: &[&str] = &[
    "Praha",
    "Kraków",
    "München",
    "Cork",
    "Orléans",
    "Málaga",
    "İzmir",
    "Львів",
    "Θεσσαλονίκη",
    "Tartu",
    "Győr",
    "大阪",
];

pub(super) static DEPARTMENTS: &[&str] = &[
    "Fresh Food",
    "Household",
    "Toys & Games",
    "Electronics",
    "Garden",
    "Drugstore",
];

pub(super) static LANGUAGE_CODES: &[&str] = &[
    "cs", "sk", "de", "en", "pl", "fr", "es", "tr", "uk", "el", "et", "fi", "hu", "vi", "ja", "ar",
];

/// Domains reserved for examples, which never receive mail.
pub(super) static MAIL_DOMAINS: &[&str] = &[
    "example.com",
    "example.org",
    "retail.example",
    "mail.stores.example",
];
