import type { Words } from "../words";

export default {
  view: {
    title: "Hata kodları",
    intro: "Her reddin bir kodu vardır. Her birinin ne anlama geldiği ve ne yapılabileceği burada.",
    filter: "Kodlarda ve sözcüklerde ara",
    none: "“{{text}}” ile eşleşen kod yok.",
    unknown: "{{code}} diye bir kod yok",
    unknownText: "Bu sayfadan daha yeni bir sunucudan geliyor olabilir.",
    all: "Tüm kodlar",
    happened: "Ne oldu",
    todo: "Ne yapmalı",
    facts: "Geliştiriciler için",
    http: "HTTP durumu",
    close: "WebSocket kapanış kodu",
    retry: "Ne zaman yeniden denenmeli",
    noHttp: "hiçbir isteği yanıtlamaz",
    noClose: "hiçbir bağlantıyı kapatmaz",
    own: "sunucunun değil, bu sayfanın",
    retries: {
      never: "bir şey değişmeden denenmez",
      backoff: "sonra, her seferinde daha uzun bir aradan sonra",
      now: "hemen",
      after_auth: "yeni bir oturumla",
      snapshot: "güncel değerlerden başlayarak",
    },
    link: "{{code}} ne demek?",
    field: "Alan: {{field}}",
  },
  codes: {
    BAD_ENVELOPE: {
      title: "Bir mesaj protokole uymuyor",
      what: "Bir mesaj, iki tarafın üzerinde anlaştığı biçimde değildi ve dikkate alınmadı.",
      todo: "Bu bir program hatasıdır; mesajı yayımlayan taraf düzeltebilir.",
    },
    UNSUPPORTED_VERSION: {
      title: "Farklı bir protokol sürümü",
      what: "Sayfa ile sunucu protokolün farklı sürümlerini konuşuyor.",
      todo: "Sayfayı yenileyin. Yardımcı olmazsa sunucunun güncellenmesi gerekir.",
    },
    BAD_REQUEST: {
      title: "İstek anlaşılamadı",
      what: "Sunucu kendisinden ne istendiğini anlayamadı.",
      todo: "Bu, sayfadaki bir hatadır. Sayfayı yenileyin; sürerse bildirin.",
    },
    NOT_FOUND: {
      title: "Burada bir şey yok",
      what: "İstenen şey yok ya da bir başkasına ait.",
      todo: "Adresi denetleyin ya da piyasadan başlayın.",
    },
    UNAUTHENTICATED: {
      title: "Oturum açılmamış",
      what: "Sunucu kimin sorduğunu bilmek istiyor, ama öğrenemedi.",
      todo: "Oturum açın ya da sayfayı yenileyin.",
    },
    SUBJECT_MISMATCH: {
      title: "Başka biri oturum açtı",
      what: "Bir bağlantı yalnızca onu açan kişi için sürer.",
      todo: "Yeni kişi olarak sürdürmek için sayfayı yenileyin.",
    },
    AUTH_EXPIRED: {
      title: "Oturumun süresi doldu",
      what: "Kim olduğunuzu gösteren belgenin süresi geçti.",
      todo: "Sayfa onu kendiliğinden yeniler. Sürerse yeniden oturum açın.",
    },
    AUTH_REVOKED: {
      title: "Oturum geri alındı",
      what: "Bu oturum biri tarafından sonlandırıldı.",
      todo: "Yeniden oturum açın.",
    },
    FORBIDDEN: {
      title: "Buna izin yok",
      what: "Oturumunuz açık, ama bunu yapma yetkiniz yok.",
      todo: "Sunucuyu işleten kişiden yetki isteyin.",
    },
    CHANNEL_UNKNOWN: {
      title: "Böyle bir kanal yok",
      what: "Bu ad altında bir şey yayımlanmıyor ya da size açık değil.",
      todo: "Başka bir sembol ya da aralık seçin.",
    },
    CHANNEL_INVALID: {
      title: "Bu bir kanal adı değil",
      what: "Verilen metin bir kanal adı değil.",
      todo: "Bu, sayfadaki bir hatadır; bildirin.",
    },
    SUBSCRIPTION_LIMIT: {
      title: "Aynı anda çok fazla kanal",
      what: "Bu bağlantı izleyebileceği kadar kanal izliyor.",
      todo: "Sayfanın diğer görünümlerini kapatın.",
    },
    CONNECTION_LIMIT: {
      title: "Çok fazla bağlantı",
      what: "Sizin, ağınızın ya da sunucunun bağlantı sınırı doldu.",
      todo: "Sayfa kendiliğinden yeniden dener. Başka sekmeleri kapatmak işe yarar.",
    },
    RATE_LIMITED: {
      title: "Kısa sürede çok fazla istek",
      what: "Bu süre içinde izin verilenden çok istek gönderildi.",
      todo: "Biraz bekleyip yeniden deneyin.",
    },
    CURSOR_EXPIRED: {
      title: "Çok uzun süre uzak kalındı",
      what: "Bu arada olanlar artık saklanmıyor.",
      todo: "Yapılacak bir şey yok: sayfa güncel değerlerle başlar.",
    },
    EPOCH_CHANGED: {
      title: "Geçmiş yeniden başlıyor",
      what: "Sunucu yeniden başlatıldı ve başka bir geçmiş tutuyor.",
      todo: "Yapılacak bir şey yok: sayfa güncel değerlerle başlar.",
    },
    CURSOR_INVALID: {
      title: "Bu konum bilinmiyor",
      what: "Listedeki ya da kanaldaki bu yer buraya ait değil.",
      todo: "Listeyi yeniden yükleyin.",
    },
    CONTINUITY_UNKNOWN: {
      title: "Bir şey kaçmış olabilir",
      what: "Sunucu hiçbir şeyin kaybolmadığını kanıtlayamıyor.",
      todo: "Yapılacak bir şey yok: sayfa güncel değerlerle başlar.",
    },
    RESYNC_FAILED: {
      title: "Henüz eşitlenmedi",
      what: "Bir kanal yeniden eşitlenemedi.",
      todo: "Sayfa kendiliğinden yeniden dener.",
    },
    SLOW_CONSUMER: {
      title: "Bu sayfa çok yavaş okuyor",
      what: "Sayfanın alabileceğinden fazlası geldi.",
      todo: "Sayfa kendiliğinden yeniden bağlanır. Bilgisayarı yavaşlatan şeyleri kapatın.",
    },
    PING_TIMEOUT: {
      title: "Sayfa zamanında yanıt vermedi",
      what: "Hat çok uzun süre sessiz kaldı.",
      todo: "Sayfa kendiliğinden yeniden bağlanır.",
    },
    BROKER_UNAVAILABLE: {
      title: "Sunucunun bağlantısı kopuk",
      what: "Sunucu, veriyi dağıtan sistemle bağlantısını yitirdi.",
      todo: "Sayfa kendiliğinden yeniden dener. Sunucuyu işleten kişinin bakması gerekir.",
    },
    OVERLOADED: {
      title: "Sunucu meşgul",
      what: "Sunucu şimdilik yeni iş almıyor.",
      todo: "Sayfa kendiliğinden yeniden dener.",
    },
    DRAINING: {
      title: "Sunucu yeniden başlatılıyor",
      what: "Bu sunucu kapanmak üzere; yerini bir başkası alıyor.",
      todo: "Yapılacak bir şey yok: sayfa kendiliğinden geçer.",
    },
    PAYLOAD_TOO_LARGE: {
      title: "Bu çok büyük",
      what: "Gönderilen, izin verilenden büyük.",
      todo: "Bir kerede daha azını gönderin.",
    },
    IDEMPOTENCY_KEY_INVALID: {
      title: "Anahtar biçimsiz",
      what: "İsteğin yinelenebileceği anahtar geçerli değil.",
      todo: "Bu bir program hatasıdır; bildirin.",
    },
    IDEMPOTENCY_MISMATCH: {
      title: "Anahtar daha önce kullanılmış",
      what: "İsteğin anahtarı başka bir isteğe ait.",
      todo: "Bu bir program hatasıdır; bildirin.",
    },
    PARAMS_INVALID: {
      title: "Bir alan yanlış dolduruldu",
      what: "Bir değer eksik, bilinmiyor ya da aralık dışında.",
      todo: "Adı geçen alanı düzeltip yeniden deneyin.",
    },
    HEADER_TIMEOUT: {
      title: "İstek çok yavaş geldi",
      what: "İsteğin başı zamanında ulaşmadı.",
      todo: "Yeniden deneyin; ağ yavaş olabilir.",
    },
    BODY_TIMEOUT: {
      title: "İstek çok yavaş geldi",
      what: "İstek zamanında tamamlanmadı.",
      todo: "Yeniden deneyin; ağ yavaş olabilir.",
    },
    RANGE_INVALID: {
      title: "Böyle bir bölüm yok",
      what: "Dosyada istenen bayt aralığı bulunmuyor.",
      todo: "Dosyayı baştan indirin.",
    },
    TOKEN_INVALID: {
      title: "Bu onay geçerli değil",
      what: "Burada hiç verilmemiş ya da sonradan geri alınmış.",
      todo: "Yeniden önerilmesini isteyip yeni kartı onaylayın.",
    },
    TOKEN_USED: {
      title: "Bu zaten onaylandı",
      what: "Hiçbir şey iki kez çalışmasın diye her onay bir kez geçerlidir. Bu onay kendi testini çoktan başlattı.",
      todo: "Başlattığı testi açın. Bir kez daha çalıştırmak için yeniden önerilmesini isteyin.",
    },
    TOKEN_EXPIRED: {
      title: "Onay süresi geçti",
      what: "Fiyatlar ve veriler değiştiği için bir öneri yalnızca birkaç dakika onaylanabilir. Hiçbir şey başlatılmadı.",
      todo: "Yeniden önerin, bakın ve yeni kartı onaylayın.",
    },
    TOKEN_MISMATCH: {
      title: "Bu onay başka bir şey için",
      what: "Başka birine ya da başka bir şey için verilmiş.",
      todo: "Kendi oturumunuzda yeniden önerilmesini isteyin.",
    },
    PROPOSAL_LIMIT: {
      title: "Çok fazla öneri",
      what: "Sizi bekleyen ya da yakında yapılmış çok fazla öneri var.",
      todo: "Bazılarını onaylayın ya da bırakın, biraz bekleyip yeniden deneyin.",
    },
    CONFIRM_REFUSED: {
      title: "Bu arada bir şeyler değişti",
      what: "Öneri yapılırken doğru olan artık doğru değil. Hiçbir şey başlatılmadı.",
      todo: "Yeniden önerilmesini isteyin.",
    },
    CONFIRM_NOT_HUMAN: {
      title: "Yalnızca bir insan onaylayabilir",
      what: "Yardımcı pilot önerebilir, ama hiçbir zaman onaylayamaz.",
      todo: "Kartta kendiniz onaylayın.",
    },
    TOOL_UNKNOWN: {
      title: "Böyle bir araç yok",
      what: "Sunucunun yapamadığı bir şey istendi.",
      todo: "Başka bir şey isteyin.",
    },
    MODEL_UNAVAILABLE: {
      title: "Dil modeli yanıt vermiyor",
      what: "Yardımcı pilotun dil modeline ulaşılamıyor ya da daha sonra sorulmasını istiyor.",
      todo: "Biraz bekleyip yeniden sorun.",
    },
    MODEL_FAILED: {
      title: "Dil modeli başarısız oldu",
      what: "Yardımcı pilotun dil modelinin yanıtı kullanılamıyor.",
      todo: "Belki başka sözcüklerle yeniden sorun.",
    },
    JOB_NOT_FOUND: {
      title: "Böyle bir test yok",
      what: "Yok, artık saklanmıyor ya da bir başkasına ait.",
      todo: "Testlerinizin listesine bakın.",
    },
    JOB_LIMIT: {
      title: "Aynı anda çok fazla test",
      what: "İzin verilen sayıda testiniz bekliyor ya da çalışıyor.",
      todo: "Biri bitene kadar bekleyin ya da birini iptal edin.",
    },
    JOB_FAILED: {
      title: "Test başarısız oldu",
      what: "Sonuç vermeden bitti. Nedeni yanında yazıyor.",
      todo: "Adı geçen parametreleri değiştirip yeniden çalıştırın.",
    },
    JOB_CANCELLED: {
      title: "Test iptal edildi",
      what: "Tamamlanmadan sonlandırıldı.",
      todo: "Sonucunu istiyorsanız yeniden çalıştırın.",
    },
    JOB_TIMEOUT: {
      title: "Test çok uzun sürdü",
      what: "Bir testin sürebileceğinden uzun çalıştı.",
      todo: "Daha az bileşim ya da daha kısa bir süre seçin.",
    },
    JOB_POISONED: {
      title: "Test, çalıştırıcısını bozdu",
      what: "Birkaç kez denendi ve her seferinde çalıştırıcı durdu.",
      todo: "Sunucuyu işleten kişinin bakması gerekir.",
    },
    RESULT_NOT_READY: {
      title: "Sonuç henüz hazır değil",
      what: "Test daha bitmedi.",
      todo: "Bitene kadar bekleyin.",
    },
    RESULT_EXPIRED: {
      title: "Sonuç artık saklanmıyor",
      what: "Sonuçlar yalnızca belli bir süre saklanır.",
      todo: "Testi yeniden çalıştırın: aynı parametreler aynı sonucu verir.",
    },
    RESULT_CORRUPT: {
      title: "Saklanan sonuç bozuk",
      what: "Yazılanla aynı değil, bu yüzden gösterilmiyor.",
      todo: "Testi yeniden çalıştırın ve sunucuyu işleten kişiye bildirin.",
    },
    LINK_INVALID: {
      title: "Bu bağlantı geçerli değil",
      what: "Burada imzalanmamış ya da başka bir şey için.",
      todo: "Testin sayfasından yeni bir bağlantı isteyin.",
    },
    LINK_EXPIRED: {
      title: "Bu bağlantının süresi doldu",
      what: "İndirme bağlantıları birkaç dakika geçerlidir.",
      todo: "Testin sayfasından yeni bir bağlantı isteyin.",
    },
    STORE_UNAVAILABLE: {
      title: "Depoya ulaşılamıyor",
      what: "Sunucu, kayıtlarını tuttuğu yere ulaşamıyor. Hiçbir şey başlatılmadı.",
      todo: "Biraz bekleyip yeniden deneyin.",
    },
    STORAGE_UNAVAILABLE: {
      title: "Sonuçlara ulaşılamıyor",
      what: "Sunucu, sonuçları tuttuğu yere ulaşamıyor.",
      todo: "Biraz bekleyip yeniden deneyin.",
    },
    INTERNAL: {
      title: "İçeride bir şeyler ters gitti",
      what: "Sunucu bir hata yaptı. Günlüğünde daha fazlası yazıyor.",
      todo: "Yeniden deneyin. Sürerse sunucuyu işleten kişiye bildirin.",
    },
    NETWORK: {
      title: "Sunucuya ulaşılamıyor",
      what: "Ağ üzerinden yanıt gelmedi.",
      todo: "Bağlantıyı denetleyin; sayfa kendiliğinden yeniden dener.",
    },
    CORE_RESTARTED: {
      title: "Sayfanın çekirdeği yeniden başladı",
      what: "Bu sayfada karar veren bölüm durdu ve yeniden başlatıldı.",
      todo: "Yapılacak bir şey yok. Sık olursa bildirin.",
    },
    CORE_UNAVAILABLE: {
      title: "Sayfanın çekirdeği başlatılamıyor",
      what: "Sayfanın gerek duyduğu WebAssembly burada yasak ya da eksik.",
      todo: "Güncel bir tarayıcı kullanın ya da WebAssembly’ye izin verin.",
    },
  },
} satisfies Words<"errors">;
